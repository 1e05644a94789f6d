package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** Finds the volumes that arguments mean: tars, folders that are volumes, and folders that have either. */
final class VolumePlaces {
    private VolumePlaces() {}

    /**
     * The volumes, each once, in the order of the arguments and, of a folder, by name. In a folder that is no volume
     * itself, tars and layouts are taken for volumes and all else is left alone.
     *
     * @throws DamagedBundleException if there is nothing at one of the places
     * @throws IOException if a folder cannot be listed
     */
    static List<VolumeReader> find(List<Path> arguments) throws IOException {
        Map<Path, VolumeReader> found = new LinkedHashMap<>();
        List<VolumeProblem> problems = new ArrayList<>();
        for (Path argument : arguments) {
            List<VolumeReader> here = Files.exists(argument) ? at(argument.toRealPath()) : List.of();
            here.forEach(volume -> found.putIfAbsent(volume.path(), volume));
            if (here.isEmpty()) {
                String what = Files.exists(argument)
                        ? "neither it nor anything in it is a tar or an image layout"
                        : "there is nothing at this place";
                problems.add(VolumeProblem.of(Kind.FOREIGN, argument, what));
            }
        }
        if (!problems.isEmpty()) {
            throw new DamagedBundleException(problems);
        }
        return List.copyOf(found.values());
    }

    private static List<VolumeReader> at(Path path) throws IOException {
        if (Files.isRegularFile(path)) {
            return List.of(new TarVolume(path));
        }
        if (!Files.isDirectory(path)) {
            return List.of();
        }
        return isLayout(path) ? List.of(new FolderVolume(path)) : in(path);
    }

    private static List<VolumeReader> in(Path folder) throws IOException {
        List<VolumeReader> found = new ArrayList<>();
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.filter(file -> !String.valueOf(file.getFileName()).startsWith("."))
                    .sorted()
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (Path file : files) {
            if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS) && isLayout(file)) {
                found.add(new FolderVolume(file));
            } else if (isTar(file) && Files.isRegularFile(file)) {
                found.add(new TarVolume(file.toRealPath()));
            }
        }
        return found;
    }

    // Disks of other systems have all names in capital letters.
    private static boolean isTar(Path file) {
        return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT).endsWith(".tar");
    }

    // One of the two may have got lost.
    private static boolean isLayout(Path folder) {
        return Stream.of(LayoutFormat.MARKER, VolumePlan.VOLUME, VolumePlan.INVENTORY)
                .anyMatch(name -> Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS));
    }
}
