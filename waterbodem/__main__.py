"""``python -m waterbodem`` is the command ``waterbodem``."""

from waterbodem.cli import main

if __name__ == "__main__":
    main()
