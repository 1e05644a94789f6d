package dev.entrepot.proxy;

import sun.misc.Signal;

/**
 * SIGHUP. The one class that uses an interface of the JDK that is not its public one; see
 * docs/decisions/0008-reload.md.
 */
final class HangupSignal {
    private HangupSignal() {}

    /**
     * Has something done at each SIGHUP, in place of the end of the process.
     *
     * @throws IllegalArgumentException if there is no such signal here
     */
    static void handle(Runnable action) {
        Signal.handle(new Signal("HUP"), signal -> action.run());
    }
}
