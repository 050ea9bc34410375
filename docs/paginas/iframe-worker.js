// Search in pages that were opened from a folder: browsers allow no workers there, so the script of the worker runs in
// a hidden frame of the same page, which answers the same messages. Nothing is loaded from outside.
"use strict";

if (location.protocol === "file:") {
  const loaded = (frame, url) =>
    new Promise((done) => {
      const script = frame.document.createElement("script");
      script.onload = script.onerror = done;
      script.src = url;
      frame.document.head.append(script);
    });

  class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      const element = document.createElement("iframe");
      element.hidden = true;
      document.body.append(element);
      const frame = (this.frame = element.contentWindow);
      frame.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      frame.importScripts = (...urls) => urls.reduce((before, next) => before.then(() => loaded(frame, next)), Promise.resolve());
      this.ready = loaded(frame, url);
    }

    postMessage(data) {
      this.ready.then(() => this.frame.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.frameElement.remove();
    }
  }

  window.IFrameWorker = IFrameWorker;
  window.Worker = IFrameWorker;
}
