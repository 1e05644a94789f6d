package dev.entrepot.config;

import dev.entrepot.config.TargetConfig.LayoutDestination;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Refuses layouts that share a folder with the cache: those in it, those around it, and those that come to it by a
 * link. Both have files of the same names, each tidies up what it does not know, and whoever moves or deletes the one
 * takes the other with it. Neither folder need be there yet.
 */
final class LayoutChecks {
    private final Path data;
    private final Path realData;
    private final Reading reading;

    LayoutChecks(Path data, Reading reading) {
        this.data = data.toAbsolutePath().normalize();
        this.realData = RealPath.of(this.data);
        this.reading = reading;
    }

    /** Records every layout of the rule that may not be where it is. */
    void check(ReplicationRuleConfig rule) {
        for (TargetConfig target : rule.targets()) {
            if (target.destination() instanceof LayoutDestination layout) {
                folders(layout.path().toAbsolutePath().normalize()).stream()
                        .flatMap(folder -> problem(folder).stream())
                        .findFirst()
                        .ifPresent(problem -> reading.conflict(reading.pathOf(target), problem));
            }
        }
    }

    // What a run brings to a tar is gathered in a folder beside it, which is deleted with everything in it.
    private static List<Path> folders(Path layout) {
        return layout.toString().endsWith(".tar")
                ? List.of(layout, layout.resolveSibling("." + layout.getFileName() + ".parts"))
                : List.of(layout);
    }

    private Optional<String> problem(Path layout) {
        Path real = RealPath.of(layout);
        if (layout.startsWith(data)) {
            return Optional.of("the layout is in cache.directory, which belongs to the cache; put it elsewhere");
        }
        if (real.startsWith(realData)) {
            return Optional.of("the layout is in cache.directory, which belongs to the cache: by links, it is at "
                    + real + ", and the cache at " + realData + "; put it elsewhere");
        }
        if (data.startsWith(layout) || realData.startsWith(real)) {
            return Optional.of(
                    "cache.directory is in a folder of the layout, with which it is moved and deleted: the cache is at "
                            + realData + ", and the layout's folder is " + real
                            + "; give the layout a folder of its own, or put the cache elsewhere");
        }
        return Optional.empty();
    }
}
