package dev.entrepot.replicator.bundle;

import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.VirtualTime;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Imports bundles, for tests.
 *
 * @param data the folder for data
 */
record Importing(Path data) {
    private static final RetryPolicy NO_RETRIES = new RetryPolicy(1, Duration.ZERO, Duration.ZERO, 1_000_000);

    /** Names as they are. */
    static final ImportNames AS_THEY_ARE = names();

    /** An import that was done, and its receipt. */
    record Outcome(ImportReport report, Receipt receipt) {}

    /** Something that happens between an import and its receipt. */
    interface Meanwhile {
        void happens() throws Exception;
    }

    static ImportNames names(String... map) {
        return ImportNames.parse(List.of(), List.of(map), Optional.empty());
    }

    Outcome into(TargetRegistry target, ImportNames names, List<Path> volumes) throws Exception {
        return into(new ImportTarget(target, 4), names, volumes, () -> {});
    }

    Outcome into(ImportTarget target, ImportNames names, List<Path> volumes, Meanwhile meanwhile) throws Exception {
        Bundle bundle = Bundle.open(volumes, List.of());
        VirtualTime clock = new VirtualTime();
        try (ImportFolder imports = ImportFolder.open(data, clock)) {
            ReplicationRunner runner = ReplicationRunner.comparing(imports.journal(), clock.time(), NO_RETRIES);
            BundleImport work = new BundleImport(bundle, names, target, imports, runner);
            ImportReport report = work.run(ProgressListener.NONE);
            meanwhile.happens();
            return new Outcome(report, work.receipt(report));
        }
    }

    static ImportTarget trimming(TargetRegistry target) {
        return new ImportTarget(target, 4, OnSparseRefused.TRIM);
    }
}
