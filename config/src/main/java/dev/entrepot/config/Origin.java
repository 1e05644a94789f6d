package dev.entrepot.config;

import java.nio.file.Path;

/** Where an effective value comes from. */
public sealed interface Origin {
    /** Nobody set it. */
    record Default() implements Origin {
        @Override
        public String toString() {
            return "default";
        }
    }

    /**
     * A line of the file.
     *
     * @param file the file, as it was named
     * @param line the line, from 1
     */
    record FileLine(Path file, int line) implements Origin {
        @Override
        public String toString() {
            return file + ":" + line;
        }
    }

    /**
     * An environment variable that the file refers to.
     *
     * @param name name of the variable
     */
    record Environment(String name) implements Origin {
        @Override
        public String toString() {
            return "env " + name;
        }
    }
}
