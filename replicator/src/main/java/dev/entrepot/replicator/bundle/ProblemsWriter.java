package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes for programs what is wrong with the volumes of a bundle. */
public final class ProblemsWriter {
    private ProblemsWriter() {}

    /**
     * One JSON object: {@code outcome}, {@code bundle} where it is known, and {@code problems}, each with its
     * {@code kind}, {@code what}, and where they are known {@code volume}, {@code file} and the command to {@code ask}
     * the sender for, or two of them with {@code or} between, where nothing says which of two bundles it is.
     *
     * @param outcome {@code complete}, {@code partly} or {@code failed}
     */
    public static String toJson(String outcome, Optional<Digest> bundle, List<VolumeProblem> problems) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("outcome", outcome);
        bundle.or(() -> problems.stream()
                        .flatMap(problem -> problem.bundle().stream())
                        .findFirst())
                .ifPresent(id -> root.put("bundle", id.toString()));
        ArrayNode list = root.putArray("problems");
        for (VolumeProblem problem : problems) {
            ObjectNode node = list.addObject();
            node.put("kind", problem.kind().name().toLowerCase(Locale.ROOT).replace('_', '-'));
            problem.volume().ifPresent(volume -> node.put("volume", volume));
            problem.file().ifPresent(file -> node.put("file", file.toString()));
            node.put("what", problem.what());
            problem.ask().ifPresent(command -> node.put("ask", command));
        }
        return root.toString();
    }
}
