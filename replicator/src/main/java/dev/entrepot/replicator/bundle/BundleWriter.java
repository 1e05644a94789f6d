package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.Sizes;
import dev.entrepot.replicator.WriteLock;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Writes the volumes of a bundle under a name: tars if it ends in {@code .tar}, else folders. For one thread. */
public final class BundleWriter {
    private final VolumePlan plan;
    private final Path output;
    private final ExportProgress progress;
    private final VolumeWriter writer;

    /**
     * A writer that has written nothing yet.
     *
     * @param output the name that was asked for, absolute
     */
    public BundleWriter(VolumePlan plan, Path output, ExportProgress progress) {
        this.plan = plan;
        this.output = output;
        this.progress = progress;
        EntryCopy copy = new EntryCopy(progress::moved);
        this.writer = VolumeNames.isTar(output) ? new TarWriter(copy) : new FolderWriter(copy);
    }

    /**
     * A volume of the output.
     *
     * @param number its number
     * @param place the file or folder
     * @param bytes its size as a tar
     * @param written whether it was or is to be written, and not found whole
     */
    public record Volume(int number, Path place, long bytes, boolean written) {}

    /**
     * Looks at what is there, and whether the rest has room.
     *
     * @param numbers the volumes that are wanted
     * @return where each is or will be
     * @throws BundleException if a place is taken by something else, or there is not enough room
     * @throws IOException if what is there cannot be read
     */
    public List<Volume> look(Collection<Integer> numbers) throws IOException {
        progress.phase("looking at what is there");
        List<Volume> volumes = new ArrayList<>();
        for (int number : numbers) {
            volumes.add(look(number));
        }
        refuseLeftover();
        refuseIfFull(volumes.stream().filter(Volume::written).toList());
        return volumes;
    }

    /**
     * Writes what {@link #look} found missing, each volume aside until it is whole. What an earlier call has written of
     * one is not written again.
     *
     * @param content where content is read from
     * @throws BundleException if another export is writing one of them
     * @throws IOException if content is not to be had or a volume cannot be written; what is written stays, for the
     *     next call
     */
    public void write(List<Volume> volumes, VolumeContent content) throws IOException {
        List<Volume> missing = volumes.stream().filter(Volume::written).toList();
        progress.begin(plan.volumes(), missing.stream().mapToLong(Volume::bytes).sum());
        for (Volume volume : missing) {
            progress.volume(volume.number());
            try (WriteLock _ = lock(volume.place())) {
                if (Files.exists(volume.place(), LinkOption.NOFOLLOW_LINKS)) {
                    throw new BundleException(volume.place() + " was written by another export meanwhile");
                }
                writer.write(volume.place(), plan.entries(volume.number()), content);
            }
        }
    }

    private static WriteLock lock(Path place) throws IOException {
        return WriteLock.beside(place)
                .orElseThrow(() -> new BundleException(
                        "another export is writing " + place + "; wait for its end, or name another output"));
    }

    /** Where volumes would be, without looking whether they are. */
    public List<Volume> volumes(Collection<Integer> numbers) {
        return numbers.stream()
                .map(number ->
                        new Volume(number, VolumeNames.of(output, number, plan.volumes()), plan.tarBytes(number), true))
                .toList();
    }

    private Volume look(int number) throws IOException {
        Path place = VolumeNames.of(output, number, plan.volumes());
        if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            return new Volume(number, place, plan.tarBytes(number), true);
        }
        if (!writer.isThere(place, plan.entries(number))) {
            throw new BundleException(place + " exists and is not this volume; delete it, or name another output");
        }
        return new Volume(number, place, plan.tarBytes(number), false);
    }

    // Somebody who takes all files of that name along would mix two bundles.
    private void refuseLeftover() throws BundleException {
        Path next = VolumeNames.of(output, plan.volumes() + 1, plan.volumes() + 1);
        if (plan.volumes() > 1 && Files.exists(next, LinkOption.NOFOLLOW_LINKS)) {
            throw new BundleException(next + " exists and is not of this bundle, which has " + plan.volumes()
                    + " volumes; delete it, or name another output");
        }
    }

    private void refuseIfFull(List<Volume> missing) throws IOException {
        long needed = 0;
        for (Volume volume : missing) {
            needed += Math.max(0, volume.bytes() - writer.asideBytes(volume.place()));
        }
        if (needed == 0) {
            return;
        }
        Path folder = output.resolveSibling("");
        Files.createDirectories(folder);
        FileStore store = Files.getFileStore(folder);
        long room = store.getUsableSpace();
        if (room < needed) {
            throw new BundleException("there is not enough room in " + folder + ": the volumes need "
                    + Sizes.bytes(needed) + " more, and " + Sizes.bytes(room) + " are free; nothing was written");
        }
    }
}
