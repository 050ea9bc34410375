"""Sums of known values as whole numbers, in vector instructions that are spelled out.

A row of a polygon is too short for a loop that the compiler turns into vector instructions by itself: it would add most
cells one by one. Sums of whole numbers have no order, so the outcome is the same on every processor; one with shorter
vectors, or none, takes these in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from waterbodem.kernels._compile.decorators import spelled_out, stage
from waterbodem.kernels._compile.door import insides

cgutils: Any = insides and insides.cgutils
#: A value of 1 as a whole number.
VALUE_ONE = 1 << 20
#: Up to here values fit in 32 bits as whole numbers, and so does a lane's share of a run of so many cells.
SMALL, MANY = 1.5, 1 << 14

_I32, _I64, _F32, _F64 = ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.DoubleType()


class _Lanes:
    """Vectors of so many lanes where a builder stands; what is added up are integers of ``whole``."""

    def __init__(self, builder: Any, count: int, whole: Any) -> None:
        self._b, self._count, self.whole = builder, count, whole

    def _of(self, kind: Any) -> Any:
        return ir.VectorType(kind, self._count)

    def all(self, kind: Any, value: Any) -> Any:
        """Return a vector of one value."""
        return ir.Constant(self._of(kind), [kind(value)] * self._count)

    def spread(self, number: Any) -> Any:
        """Return a vector of an integer that is not known yet."""
        one = self._b.insert_element(ir.Constant(self._of(number.type), ir.Undefined), number, _I32(0))
        return self._b.shuffle_vector(one, one, self.all(_I32, 0))

    def _call(self, name: str, returns: Any, *args: Any) -> Any:
        form = ir.FunctionType(returns, [a.type for a in args])
        return self._b.call(cgutils.get_or_insert_function(self._b.module, form, name), args)

    @contextmanager
    def steps(self, size: Any) -> Iterator[tuple[Any, Any]]:
        """Repeat until ``size`` is reached; give where, and which lanes come before it."""
        each = ir.Constant(self._of(_I64), list(range(self._count)))
        with cgutils.for_range_slice(self._b, _I64(0), size, _I64(self._count), inc=True) as (at, _):
            yield at, self._b.icmp_signed("<", each, self.spread(self._b.sub(size, at)))

    def load(self, pointer: Any, mask: Any) -> Any:
        """Return float32 values from a pointer on; nothing is read, and 0 returned, where the mask is not set."""
        at, name = self._b.bitcast(pointer, self._of(_F32).as_pointer()), f"llvm.masked.load.v{self._count}f32.p0"
        return self._call(name, self._of(_F32), at, _I32(4), mask, self.all(_F32, 0))

    def rounded(self, values: Any, mask: Any) -> tuple[Any, Any]:
        """Return float32 values as whole numbers of units, and 1 where the mask is set and they are known."""
        real, bits = (_F64, 64) if self.whole is _I64 else (_F32, 32)
        known = self._b.and_(self._b.fcmp_ordered("ord", values, values), mask)
        sure = self._b.select(known, values, self.all(_F32, 0))
        wide = self._b.fpext(sure, self._of(real)) if bits == 64 else sure
        scaled = self._b.fmul(wide, self.all(real, VALUE_ONE))
        near = self._call(f"llvm.rint.v{self._count}f{bits}", self._of(real), scaled)
        return self._b.fptosi(near, self._of(self.whole)), self._b.zext(known, self._of(self.whole))

    def room(self, kind: Any) -> Any:
        """Return where a sum per lane is kept."""
        return cgutils.alloca_once(self._b, self._of(kind))

    def clear(self, sums: Any) -> None:
        """Begin at 0."""
        self._b.store(ir.Constant(sums.type.pointee, None), sums)

    def add(self, sums: Any, values: Any) -> None:
        """Add to the sum per lane, which may have more bits."""
        wide = sums.type.pointee
        more = values if values.type == wide else self._b.sext(values, wide)
        self._b.store(self._b.add(self._b.load(sums), more), sums)

    def total(self, sums: Any) -> Any:
        """Return the sum over all lanes of int64."""
        return self._call(f"llvm.vector.reduce.add.v{self._count}i64", _I64, self._b.load(sums))


def _sum_of(count: int, whole: Any) -> Any:
    """Make a function of contiguous values, the cell they start at, and first and after of runs; all is one loop."""

    @spelled_out
    def sum_of(_context: Any, values: Any, origin: Any, first: Any, after: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            arrays = [context.make_array(kinds[i])(context, builder, args[i]) for i in (0, 2, 3)]
            size = builder.extract_value(arrays[1].shape, 0)
            found = _runs(_Lanes(builder, count, whole), builder, [a.data for a in arrays], args[1], size)
            return context.make_tuple(builder, signature.return_type, found)

        return types.UniTuple(types.int64, 2)(values, types.int64, first, after), build

    return sum_of


def _runs(lanes: _Lanes, builder: Any, data: Any, origin: Any, size: Any) -> list[Any]:
    totals, sums = [lanes.room(_I64) for _ in range(2)], [lanes.room(lanes.whole) for _ in range(2)]
    for total in totals:
        lanes.clear(total)
    with cgutils.for_range(builder, size) as run:
        first, after = (builder.load(builder.gep(d, [run.index])) for d in data[1:])
        start = builder.gep(data[0], [builder.sub(first, origin)])
        for some in sums:
            lanes.clear(some)
        with lanes.steps(builder.sub(after, first)) as (at, mask):
            found = lanes.rounded(lanes.load(builder.gep(start, [at]), mask), mask)
            for some, values in zip(sums, found, strict=True):
                lanes.add(some, values)
        for total, some in zip(totals, sums, strict=True):
            lanes.add(total, builder.load(some))
    return [lanes.total(t) for t in totals]


def _plain_sum(values: Any, origin: Any, first: Any, after: Any) -> Any:
    """The same sums in what instructions the compiler finds: whole numbers have no order."""
    total, known = np.int64(0), np.int64(0)
    for s in range(first.size):
        for i in range(first[s] - origin, after[s] - origin):
            v = values[i]
            total += np.int64(np.rint(np.float64(v if v == v else np.float32(0)) * np.float64(VALUE_ONE)))
            known += np.int64(v == v)
    return total, known


#: Sum in units of 1 / VALUE_ONE, and number, of the known values in runs ``first`` up to ``after``.
#: The small takes at most MANY values, all up to SMALL.
sum_small, sum_any = (_sum_of(16, _I32), _sum_of(8, _I64)) if insides else (stage(_plain_sum), stage(_plain_sum))
