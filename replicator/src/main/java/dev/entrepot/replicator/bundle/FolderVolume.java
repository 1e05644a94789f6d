package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A volume in a folder, which has exactly its files: no links, nothing special, and no others but what systems leave
 * behind by themselves. No link in it is ever followed.
 *
 * @param path the folder
 */
record FolderVolume(Path path) implements VolumeReader {
    @Override
    public VolumeClaims head() throws IOException {
        byte[] document = read(VolumePlan.INVENTORY, BundleLimits.DOCUMENT_BYTES);
        Optional<byte[]> signature = isThere(VolumePlan.SIGNATURE)
                ? Optional.of(read(VolumePlan.SIGNATURE, BundleLimits.SIGNATURE_BYTES))
                : Optional.empty();
        return VolumeClaims.of(volumeDocument(), document, signature);
    }

    // What its number is can be found out without it.
    private byte[] volumeDocument() throws IOException {
        try {
            return read(VolumePlan.VOLUME, VolumeClaims.SMALL_BYTES);
        } catch (VolumeException e) {
            return new byte[0];
        }
    }

    @Override
    public Optional<VolumeClaims.Stated> traces() throws IOException {
        return VolumeClaims.Stated.read(volumeDocument());
    }

    private boolean isThere(String name) {
        return Files.exists(path.resolve(name), LinkOption.NOFOLLOW_LINKS);
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
            boolean layout = isThere(LayoutFormat.MARKER) || isThere(VolumePlan.VOLUME);
            throw problem(layout ? Kind.TRUNCATED : Kind.FOREIGN, "it has no file " + name);
        }
    }

    private static BasicFileAttributes attributes(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public int matches(List<VolumeEntry> expected, BadReads bad) {
        return (int) expected.stream()
                .filter(entry -> !(entry.content() instanceof VolumeEntry.Content.Constant))
                .filter(entry -> Files.isRegularFile(path.resolve(entry.name()), LinkOption.NOFOLLOW_LINKS))
                .count();
    }

    @Override
    public VolumeFiles check(List<VolumeEntry> expected) throws IOException {
        FolderWalk walk = FolderWalk.over(path, expected);
        List<VolumeProblem> problems = new ArrayList<>();
        walk.strays().ifPresent(problems::add);
        List<Slice> slices = List.of();
        try {
            if (walk.damage().isPresent()) {
                throw new VolumeException(walk.damage().get());
            }
            slices = slices(expected, walk);
        } catch (VolumeException e) {
            problems.add(e.problem());
        }
        return new VolumeFiles(slices, problems, walk.litter());
    }

    private List<Slice> slices(List<VolumeEntry> expected, FolderWalk walk) throws IOException {
        List<Slice> slices = new ArrayList<>(expected.size());
        for (VolumeEntry entry : expected) {
            if (!walk.has(entry)) {
                throw problem(Kind.TRUNCATED, "it has no file " + entry.name());
            }
            Path file = path.resolve(entry.name());
            slices.add(new Slice(file, 0, entry.sizeBytes()));
            compareConstant(entry);
        }
        return slices;
    }

    private void compareConstant(VolumeEntry entry) throws IOException {
        if (entry.content() instanceof VolumeEntry.Content.Constant constant) {
            int at = Arrays.mismatch(constant.bytes(), read(entry.name(), constant.bytes().length));
            if (at >= 0) {
                throw problem(Kind.ALTERED, entry.name() + " differs from byte " + at + " on");
            }
        }
    }

    private VolumeException problem(Kind kind, String what) {
        return new VolumeException(VolumeProblem.of(kind, path, what));
    }
}
