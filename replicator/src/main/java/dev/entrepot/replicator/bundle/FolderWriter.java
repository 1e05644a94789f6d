package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Volumes that are folders. */
record FolderWriter(EntryCopy copy) implements VolumeWriter {
    @Override
    public boolean isThere(Path place, List<VolumeEntry> entries) throws IOException {
        if (!Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        Set<String> names = entries.stream().map(VolumeEntry::name).collect(Collectors.toSet());
        if (!files(place).equals(names)) {
            return false;
        }
        for (VolumeEntry entry : entries) {
            if (!isWhole(place.resolve(entry.name()), entry)) {
                return false;
            }
        }
        return true;
    }

    private static Set<String> files(Path folder) throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                    .map(file -> folder.relativize(file).toString())
                    .collect(Collectors.toSet());
        }
    }

    private boolean isWhole(Path file, VolumeEntry entry) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) != entry.sizeBytes()) {
            return false;
        }
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            return copy.matches(entry, in);
        }
    }

    @Override
    public long asideBytes(Path place) throws IOException {
        Path aside = VolumeWriter.aside(place);
        if (!Files.exists(aside)) {
            return 0;
        }
        long bytes = 0;
        for (String file : files(aside)) {
            bytes += Files.size(aside.resolve(file));
        }
        return bytes;
    }

    @Override
    public void write(Path place, List<VolumeEntry> entries, VolumeContent content) throws IOException {
        Path aside = VolumeWriter.aside(place);
        Set<Path> folders = new TreeSet<>(Set.of(aside));
        Files.createDirectories(aside);
        Set<String> names = entries.stream().map(VolumeEntry::name).collect(Collectors.toSet());
        for (String left : files(aside)) {
            if (!names.contains(left)) {
                Files.delete(aside.resolve(left));
            }
        }
        for (VolumeEntry entry : entries) {
            Path file = aside.resolve(entry.name());
            for (Path folder = file.resolveSibling(""); !folder.equals(aside); folder = folder.resolveSibling("")) {
                folders.add(folder);
            }
            Files.createDirectories(file.resolveSibling(""));
            if (!isWhole(file, entry)) {
                Files.deleteIfExists(file);
                write(file, entry, content);
            }
        }
        // All at the end: on a busy disk the first wait does for most of the others.
        for (VolumeEntry entry : entries) {
            force(aside.resolve(entry.name()));
        }
        for (Path folder : folders) {
            force(folder);
        }
        Files.move(aside, place, StandardCopyOption.ATOMIC_MOVE);
        force(place.resolveSibling(""));
    }

    private void write(Path file, VolumeEntry entry, VolumeContent content) throws IOException {
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            copy.write(entry, content, out);
        }
    }

    /** Forces a file or a folder, so that its content, or the names in it, are there after a power cut. */
    static void force(Path place) throws IOException {
        try (FileChannel channel = FileChannel.open(place, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
