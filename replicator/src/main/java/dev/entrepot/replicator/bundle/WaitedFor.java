package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.WholeFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Which images of one bundle imports to one target have begun and not completed. While there are any, what was kept of
 * the bundle stays.
 *
 * @param folder the folder of the bundle, in which the names are a file
 * @param inventory that of the bundle
 */
record WaitedFor(Path folder, Inventory inventory) {
    private static final String FILE = "waiting";

    private Path file() {
        return folder.resolve(FILE);
    }

    // An earlier version kept content without saying for what: then it is for all.
    private Set<String> read() throws IOException {
        if (!Files.isDirectory(folder)) {
            return new TreeSet<>();
        }
        return new TreeSet<>(
                Files.exists(file())
                        ? Files.readAllLines(file())
                        : inventory.images().stream().map(BundledImage::name).toList());
    }

    /** Notes that images have begun; when this returns it survives a power cut. */
    void begin(Collection<BundledImage> images) throws IOException {
        Set<String> names = read();
        images.forEach(image -> names.add(image.name()));
        Files.createDirectories(folder);
        write(names);
    }

    private void write(Set<String> names) throws IOException {
        WholeFile.write(file(), (String.join("\n", names) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Notes which images are complete at the target now and which are not; where none is waited for any more, all that
     * was kept is deleted.
     */
    void settle(Collection<BundledImage> complete, Collection<BundledImage> incomplete) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        Set<String> names = read();
        complete.forEach(image -> names.remove(image.name()));
        incomplete.forEach(image -> names.add(image.name()));
        if (names.isEmpty()) {
            delete();
        } else {
            write(names);
        }
    }

    private void delete() throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
        Files.deleteIfExists(folder);
    }
}
