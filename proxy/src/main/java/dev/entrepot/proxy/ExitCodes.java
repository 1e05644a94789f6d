package dev.entrepot.proxy;

import dev.entrepot.config.ConfigException;
import dev.entrepot.proxy.replication.BadRequestException;

/** What the process exits with, for scripts; the one place where an exception becomes an exit code. */
final class ExitCodes {
    /** It did what it was asked to. */
    static final int OK = 0;
    /** It could not: an address in use, a disk that refuses. */
    static final int FAILURE = 1;
    /** The command line is wrong. */
    static final int USAGE = 2;
    /** A part of it was done, and a part of it could not be. */
    static final int PARTLY = 3;
    /** The configuration is wrong, or a file that it names (EX_CONFIG of sysexits.h). */
    static final int CONFIGURATION = 78;

    private ExitCodes() {}

    /**
     * The exit code for the outcome of a run, as reports write it; {@link #FAILURE} also for one that did not come to
     * its end.
     */
    static int ofRun(String outcome) {
        return switch (outcome) {
            case "complete" -> OK;
            case "partly" -> PARTLY;
            default -> FAILURE;
        };
    }

    /** The exit code for a failure. */
    static int of(Throwable failure) {
        return switch (failure) {
            case ConfigException e -> CONFIGURATION;
            case Prerequisites.MissingException e -> CONFIGURATION;
            case BadRequestException e -> USAGE;
            default -> FAILURE;
        };
    }
}
