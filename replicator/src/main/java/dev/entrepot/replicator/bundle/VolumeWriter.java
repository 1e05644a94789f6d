package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** How the files of a volume become a tar or a folder. What is written is aside until it is whole. */
interface VolumeWriter {
    /** Where a volume is until it is whole: beside its place, hidden. */
    static Path aside(Path place) {
        return place.resolveSibling("." + place.getFileName() + ".incoming");
    }

    /** Whether exactly these files are at a place; all of it is read. */
    boolean isThere(Path place, List<VolumeEntry> entries) throws IOException;

    /** How many bytes of a volume are aside already, at most. */
    long asideBytes(Path place) throws IOException;

    /** Writes a volume aside, going on behind what is there and right, forces it and renames it to its place. */
    void write(Path place, List<VolumeEntry> entries, VolumeContent content) throws IOException;
}
