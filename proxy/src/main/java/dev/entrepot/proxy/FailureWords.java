package dev.entrepot.proxy;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** What the command line says of a failure. */
final class FailureWords {
    private FailureWords() {}

    /** Its message, with more words where it says no more than a name, and its kind where it says nothing. */
    static String of(Throwable failure) {
        return switch (failure) {
            case NoSuchFileException e -> "there is no file " + e.getFile();
            case AccessDeniedException e -> e.getFile() + " may not be read or written";
            case FileAlreadyExistsException e -> e.getFile() + " is there already, and is to be something else";
            default -> {
                String message = failure.getMessage();
                yield message == null || message.isBlank()
                        ? "failed without saying why (" + failure.getClass().getSimpleName() + ")"
                        : message;
            }
        };
    }
}
