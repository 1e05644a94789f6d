package dev.entrepot.replicator;

import java.io.IOException;
import java.util.List;

/** Placeholder until written. */
final class Pruner {
    Pruner(TargetSession session) {}

    List<String> preview(SourceSurvey survey) throws IOException {
        return List.of();
    }

    List<ItemReport> prune(SourceSurvey survey, long run) throws IOException {
        return List.of();
    }
}
