package dev.entrepot.proxy;

import dev.entrepot.config.ConfigException;

/** What the process exits with, for scripts; the one place where an exception becomes an exit code. */
final class ExitCodes {
    /** It did what it was asked to. */
    static final int OK = 0;
    /** It could not: an address in use, a disk that refuses. */
    static final int FAILURE = 1;
    /** The command line is wrong. */
    static final int USAGE = 2;
    /** The configuration is wrong (EX_CONFIG of sysexits.h). */
    static final int CONFIGURATION = 78;

    private ExitCodes() {}

    /** The exit code for a failure. */
    static int of(Throwable failure) {
        return failure instanceof ConfigException ? CONFIGURATION : FAILURE;
    }
}
