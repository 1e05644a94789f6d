package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Walks the folder of a volume: which of its files are there, and what else is. Folders that are not of it are not
 * entered, links are not followed. For one walk.
 */
final class FolderWalk extends SimpleFileVisitor<Path> {
    private static final int NAMED = 10;

    private final Path top;
    private final Map<Path, VolumeEntry> files = new HashMap<>();
    private final Set<Path> folders = new HashSet<>();
    private final Set<String> found = new HashSet<>();
    private final List<String> strays = new ArrayList<>();
    private final List<String> litter = new ArrayList<>();
    private int straysSeen;
    private int litterSeen;
    private Optional<VolumeProblem> damage = Optional.empty();

    private FolderWalk(Path top, List<VolumeEntry> expected) {
        this.top = top;
        folders.add(top);
        for (VolumeEntry entry : expected) {
            Path file = top.resolve(entry.name());
            files.put(file, entry);
            for (Path folder = file.getParent(); folder != null && folders.add(folder); ) {
                folder = folder.getParent();
            }
        }
    }

    /**
     * Walks.
     *
     * @throws IOException if a folder cannot be read
     */
    static FolderWalk over(Path top, List<VolumeEntry> expected) throws IOException {
        FolderWalk walk = new FolderWalk(top, expected);
        Files.walkFileTree(top, walk);
        return walk;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
        return folders.contains(folder) ? FileVisitResult.CONTINUE : passOver(folder, "a folder ");
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
        VolumeEntry entry = files.get(file);
        if (entry == null) {
            if (folders.contains(file)) {
                damaged(Kind.ALTERED, top.relativize(file) + " is a link or something else that is no folder");
                return FileVisitResult.CONTINUE;
            }
            return passOver(file, "a file ");
        }
        if (!attributes.isRegularFile()) {
            damaged(Kind.ALTERED, entry.name() + " is a link or something else that is no file");
        } else if (attributes.size() != entry.sizeBytes()) {
            damaged(
                    attributes.size() < entry.sizeBytes() ? Kind.TRUNCATED : Kind.ALTERED,
                    entry.name() + " has " + attributes.size() + " bytes, expected " + entry.sizeBytes());
        } else {
            found.add(entry.name());
        }
        return FileVisitResult.CONTINUE;
    }

    // Some are for their system alone.
    @Override
    public FileVisitResult visitFileFailed(Path file, IOException cause) throws IOException {
        if (!files.containsKey(file) && !folders.contains(file) && KnownLitter.is(name(file))) {
            return passOver(file, "a folder ");
        }
        throw cause;
    }

    private FileVisitResult passOver(Path file, String what) {
        if (KnownLitter.is(name(file))) {
            litterSeen++;
            if (litter.size() < NAMED) {
                litter.add(shown(file));
            }
            return FileVisitResult.SKIP_SUBTREE;
        }
        straysSeen++;
        if (strays.size() < NAMED) {
            strays.add(what + shown(file));
        }
        return FileVisitResult.SKIP_SUBTREE;
    }

    // The first is enough to say that the volume is not as it should be.
    private void damaged(Kind kind, String what) {
        if (damage.isEmpty()) {
            damage = Optional.of(VolumeProblem.of(kind, top, what));
        }
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    private String shown(Path file) {
        String name = top.relativize(file).toString();
        boolean plain = name.length() <= 200 && name.chars().allMatch(c -> c >= ' ' && c < 127);
        return plain ? name : "with an odd name";
    }

    /** What is wrong with the files that belong to it, if anything is, of those that were met. */
    Optional<VolumeProblem> damage() {
        return damage;
    }

    /** Whether a file is there, and no more is known to be wrong with it. */
    boolean has(VolumeEntry entry) {
        return found.contains(entry.name());
    }

    /** What is there and does not belong to it. */
    Optional<VolumeProblem> strays() {
        if (strays.isEmpty()) {
            return Optional.empty();
        }
        if (straysSeen == 1) {
            return Optional.of(
                    VolumeProblem.litter(top, "it has " + strays.getFirst() + ", which is not of it: remove that"));
        }
        String more = straysSeen > strays.size() ? " and more" : "";
        return Optional.of(VolumeProblem.litter(
                top, "it has " + String.join(", ", strays) + more + ", which are not of it: remove them"));
    }

    /** Names of what systems leave behind, and behind them how many more there are. */
    List<String> litter() {
        if (litterSeen == litter.size()) {
            return litter;
        }
        List<String> named = new ArrayList<>(litter);
        named.add("and " + (litterSeen - litter.size()) + " more");
        return named;
    }
}
