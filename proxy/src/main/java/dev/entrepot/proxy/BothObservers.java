package dev.entrepot.proxy;

import dev.entrepot.proxy.http.RequestObserver;
import dev.entrepot.proxy.http.RequestRecord;

/** Tells two observers. */
record BothObservers(RequestObserver first, RequestObserver second) implements RequestObserver {
    @Override
    public void started() {
        first.started();
        second.started();
    }

    @Override
    public void finished(RequestRecord request) {
        first.finished(request);
        second.finished(request);
    }

    @Override
    public void unreadable(int status) {
        first.unreadable(status);
        second.unreadable(status);
    }
}
