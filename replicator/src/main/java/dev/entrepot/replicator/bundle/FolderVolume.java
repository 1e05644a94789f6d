package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A volume in a folder, which has exactly its files: no others, no links, nothing special. No link in it is ever followed.
 *
 * @param path the folder
 */
record FolderVolume(Path path) implements VolumeReader {
    @Override
    public VolumeClaims head() throws IOException {
        byte[] stated = read(VolumePlan.VOLUME, VolumeClaims.SMALL_BYTES);
        byte[] document = read(VolumePlan.INVENTORY, BundleLimits.DOCUMENT_BYTES);
        Optional<byte[]> signature = Files.exists(path.resolve(VolumePlan.SIGNATURE), LinkOption.NOFOLLOW_LINKS)
                ? Optional.of(read(VolumePlan.SIGNATURE, BundleLimits.SIGNATURE_BYTES))
                : Optional.empty();
        return VolumeClaims.of(stated, document, signature);
    }

    private byte[] read(String name, int most) throws IOException {
        Path file = path.resolve(name);
        try {
            BasicFileAttributes found = attributes(file);
            if (!found.isRegularFile() || found.size() > most) {
                throw problem(Kind.ALTERED, name + " is no file, or has more than the " + most + " bytes allowed");
            }
            try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
                return in.readNBytes(most);
            }
        } catch (NoSuchFileException e) {
            boolean layout = Files.exists(path.resolve(LayoutFormat.MARKER), LinkOption.NOFOLLOW_LINKS);
            throw problem(layout ? Kind.TRUNCATED : Kind.FOREIGN, "it has no file " + name);
        }
    }

    private static BasicFileAttributes attributes(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public int matches(List<VolumeEntry> expected) {
        return (int) expected.stream()
                .filter(entry -> !(entry.content() instanceof VolumeEntry.Content.Constant))
                .filter(entry -> Files.isRegularFile(path.resolve(entry.name()), LinkOption.NOFOLLOW_LINKS))
                .count();
    }

    @Override
    public List<Slice> check(List<VolumeEntry> expected) throws IOException {
        Map<Path, VolumeEntry> files = new HashMap<>();
        Set<Path> folders = new HashSet<>(Set.of(path));
        for (VolumeEntry entry : expected) {
            Path file = path.resolve(entry.name());
            files.put(file, entry);
            for (Path folder = file.getParent(); folder != null && folders.add(folder); ) {
                folder = folder.getParent();
            }
        }
        Set<Path> found = walk(files, folders);
        List<Slice> slices = new ArrayList<>(expected.size());
        for (VolumeEntry entry : expected) {
            Path file = path.resolve(entry.name());
            if (!found.contains(file)) {
                throw problem(Kind.TRUNCATED, "it has no file " + entry.name());
            }
            slices.add(new Slice(file, 0, entry.sizeBytes()));
            compareConstant(entry, file);
        }
        return slices;
    }

    // Ends at the first thing that does not belong there, so that no more is walked than is expected.
    private Set<Path> walk(Map<Path, VolumeEntry> files, Set<Path> folders) throws IOException {
        Set<Path> found = new HashSet<>();
        Files.walkFileTree(path, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
                    throws VolumeException {
                if (!folders.contains(folder)) {
                    throw litter("it has a folder " + shown(folder) + ", which is not of it: remove that");
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws VolumeException {
                VolumeEntry entry = files.get(file);
                if (entry == null) {
                    throw litter("it has a file " + shown(file) + ", which is not of it: remove that");
                }
                if (!attributes.isRegularFile()) {
                    throw problem(Kind.ALTERED, entry.name() + " is a link or something else that is no file");
                }
                if (attributes.size() != entry.sizeBytes()) {
                    throw problem(
                            attributes.size() < entry.sizeBytes() ? Kind.TRUNCATED : Kind.ALTERED,
                            entry.name() + " has " + attributes.size() + " bytes, expected " + entry.sizeBytes());
                }
                found.add(file);
                return FileVisitResult.CONTINUE;
            }
        });
        return found;
    }

    private String shown(Path file) {
        String name = path.relativize(file).toString();
        boolean plain = name.length() <= 200 && name.chars().allMatch(c -> c >= ' ' && c < 127);
        return plain ? name : "with an odd name";
    }

    private void compareConstant(VolumeEntry entry, Path file) throws IOException {
        if (entry.content() instanceof VolumeEntry.Content.Constant constant) {
            int at = Arrays.mismatch(constant.bytes(), read(entry.name(), constant.bytes().length));
            if (at >= 0) {
                throw problem(Kind.ALTERED, entry.name() + " differs from byte " + at + " on");
            }
        }
    }

    private VolumeException litter(String what) {
        return new VolumeException(VolumeProblem.litter(path, what));
    }

    private VolumeException problem(Kind kind, String what) {
        return new VolumeException(VolumeProblem.of(kind, path, what));
    }
}
