package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The files of one volume as they are found, in a tar or in a folder. What the reader of a volume is given to expect
 * decides what is read and how much of it.
 */
sealed interface VolumeReader permits TarVolume, FolderVolume {
    /** Where the volume is. */
    Path path();

    /**
     * Reads what it says about itself, within the limits of {@link BundleLimits}.
     *
     * @throws VolumeException if there is nothing of that kind
     * @throws IOException if it cannot be read
     */
    VolumeClaims head() throws IOException;

    /**
     * What it says of its bundle and its number, where the rest of {@link #head} cannot be had.
     *
     * @throws IOException if it cannot be read
     */
    Optional<VolumeClaims.Stated> traces() throws IOException;

    /**
     * How many of the files of a volume are where they would be, the constant ones not counted: for finding out which
     * volume a damaged one is.
     *
     * @param bad counts what cannot be read on the way; when that is enough, nothing more is read
     * @throws IOException if it cannot be read
     */
    int matches(List<VolumeEntry> expected, BadReads bad) throws IOException;

    /**
     * Compares everything but the content that has a digest: names, order, sizes, constant content, padding, and that
     * there is nothing else.
     *
     * @param expected the files, in order
     * @throws VolumeException at the first difference, where there is nothing else to say
     * @throws IOException if it cannot be read
     */
    VolumeFiles check(List<VolumeEntry> expected) throws IOException;
}
