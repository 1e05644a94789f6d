package dev.entrepot.replicator.layout;

import java.nio.file.FileSystemException;

/** Another program has written the index of a layout since it was read. */
final class ChangedMeanwhileException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    ChangedMeanwhileException(String place) {
        super(place, null, "another program changes it again and again while it is to be written");
    }
}
