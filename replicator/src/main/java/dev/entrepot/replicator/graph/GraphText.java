package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.SequencedSet;
import java.util.Set;
import java.util.function.Function;

/**
 * Draws a graph as an indented tree: one line per manifest and blob, with the role, the full digest, the type and the
 * size in bytes. A manifest that is drawn already is named again without what is below it. What is deeper than
 * {@value #DEEPEST} is drawn behind the tree, from the left again: a graph of a hostile registry may be a chain of
 * thousands.
 */
public final class GraphText {
    /** Indexes may be nested eight deep, and referrers thirty-two: what anybody means is above this. */
    static final int DEEPEST = 64;

    private static final Set<String> IMAGE_CONFIGURATIONS =
            Set.of("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json");

    private static final String STEP = "  ";

    private final ArtifactGraph graph;
    private final Function<Digest, String> note;
    private final StringBuilder text = new StringBuilder();
    private final Set<Digest> drawn = new HashSet<>();
    private final SequencedSet<Digest> cut = new LinkedHashSet<>();

    private GraphText(ArtifactGraph graph, Function<Digest, String> note) {
        this.graph = graph;
        this.note = note;
    }

    /** The tree of a graph, ending in a line break. */
    public static String draw(ArtifactGraph graph) {
        return draw(graph, digest -> "");
    }

    /** The same with something behind lines; nothing for most. */
    public static String draw(ArtifactGraph graph, Function<Digest, String> note) {
        GraphText drawing = new GraphText(graph, note);
        drawing.node("", "", graph.root());
        while (!drawing.cut.isEmpty()) {
            drawing.node("", "deeper ", graph.node(drawing.cut.removeFirst()));
        }
        graph.dangling().forEach(descriptor -> drawing.line("dangling ", descriptor));
        return drawing.text.toString();
    }

    private void node(String indent, String role, GraphNode node) {
        line(indent + role, node.descriptor());
        if (drawn.contains(node.digest())) {
            return;
        }
        if (indent.length() >= DEEPEST * STEP.length()) {
            text.append(indent).append(STEP).append("... see below\n");
            cut.add(node.digest());
            return;
        }
        drawn.add(node.digest());
        String deeper = indent + STEP;
        node.blobs().forEach(blob -> line(deeper + "blob ", blob));
        node.children().forEach(child -> node(deeper, "child ", graph.node(child)));
        node.omitted().forEach(child -> line(deeper + "omitted ", child));
        node.referrers().forEach(referrer -> node(deeper, "referrer ", graph.node(referrer)));
        node.cosignTags()
                .forEach(tag -> node(
                        deeper,
                        "tag " + tag.tag() + " ",
                        graph.node(tag.manifest().digest())));
    }

    private void line(String lead, Descriptor descriptor) {
        text.append(lead)
                .append(descriptor.digest())
                .append(' ')
                .append(type(descriptor))
                .append(' ')
                .append(descriptor.sizeBytes())
                .append(note.apply(descriptor.digest()))
                .append('\n');
    }

    // What an image is called as an artifact is the type of its configuration, which says less than that it is an
    // image.
    private static String type(Descriptor descriptor) {
        return descriptor
                .artifactType()
                .filter(type -> !IMAGE_CONFIGURATIONS.contains(type))
                .orElse(descriptor.mediaType().value());
    }
}
