package dev.entrepot.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * A value of the file, or the place where one could be, with the keys that lead to it. Asking it for what it is not
 * records an error.
 */
final class ConfigNode {
    private static final Set<String> YES_OR_NO = Set.of("true", "false", "yes", "no", "on", "off");

    /** What a node is. */
    enum Kind {
        /** Not in the file. */
        ABSENT,
        /** In the file, without a value: {@code key:}. */
        EMPTY,
        /** A text, number or truth value. */
        SCALAR,
        /** A list. */
        LIST,
        /** A mapping. */
        MAPPING
    }

    private final Reading reading;
    private final Kind kind;
    private final Optional<Node> node;
    private final String text;
    private final Position at;
    private final String path;

    private ConfigNode(Reading reading, Kind kind, Optional<Node> node, String text, Position at, String path) {
        this.reading = reading;
        this.kind = kind;
        this.node = node;
        this.text = text;
        this.at = at;
        this.path = path;
        reading.visit();
    }

    /** The top of the file. */
    static ConfigNode root(Reading reading, Optional<Node> node) {
        return node.map(n -> of(reading, n, "")).orElseGet(() -> absent(reading, Position.FILE, ""));
    }

    private static ConfigNode of(Reading reading, Node node, String path) {
        Position at = Position.of(node.getStartMark());
        Kind kind = switch (node) {
            case MappingNode mapping -> Kind.MAPPING;
            case SequenceNode sequence -> Kind.LIST;
            default -> node.getTag().equals(Tag.NULL) ? Kind.EMPTY : Kind.SCALAR;
        };
        String text = node instanceof ScalarNode scalar ? scalar.getValue() : "";
        reading.found(path, at, new Origin.FileLine(reading.file(), at.line()));
        return new ConfigNode(reading, kind, Optional.of(node), text, at, path);
    }

    private static ConfigNode absent(Reading reading, Position at, String path) {
        return new ConfigNode(reading, Kind.ABSENT, Optional.empty(), "", at, path);
    }

    /** The path of a key within a path. */
    static String child(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** The path of a named or numbered entry within a path. */
    static String entry(String path, Object name) {
        return path + "[" + name + "]";
    }

    /** The path above a path; empty above the first key. */
    static String parent(String path) {
        int open = 0;
        for (int i = path.length() - 1; i > 0; i--) {
            char c = path.charAt(i);
            open += c == ']' ? 1 : c == '[' ? -1 : 0;
            boolean start = c == '[' || c == '.';
            if (open == 0 && start) {
                return path.substring(0, i);
            }
        }
        return "";
    }

    /** The name of an entry whose key the user chose; empty for any other node. */
    String entryName() {
        return path.endsWith("]") ? path.substring(parent(path).length() + 1, path.length() - 1) : "";
    }

    /** What gathers the errors. */
    Reading reading() {
        return reading;
    }

    /** What this is. */
    Kind kind() {
        return kind;
    }

    /** The keys that lead here. */
    String path() {
        return path;
    }

    /** The place of a key that is not in the file. */
    ConfigNode absentChild(String key) {
        return absent(reading, at, child(path, key));
    }

    /**
     * The place of a key that is not in the file, or not to be used, with a text to read in place of it if there is
     * one.
     */
    ConfigNode defaultChild(String key, Optional<String> defaultText) {
        String childPath = child(path, key);
        reading.found(childPath, Position.FILE, new Origin.Default());
        Kind childKind = defaultText.isPresent() ? Kind.SCALAR : Kind.ABSENT;
        return new ConfigNode(reading, childKind, Optional.empty(), defaultText.orElse(""), at, childPath);
    }

    /** The text as written, without replacing references; empty for a list or mapping. */
    String rawText() {
        return text;
    }

    /** Whether it says true, false, yes, no, on or off without quotes, which YAML or people take for a switch. */
    boolean isYesOrNo() {
        return node.isPresent()
                && node.get() instanceof ScalarNode scalar
                && scalar.isPlain()
                && YES_OR_NO.contains(text.toLowerCase(Locale.ROOT));
    }

    /**
     * The text with its references replaced; empty, with an error recorded, if this is no scalar or a reference leads
     * nowhere.
     */
    Optional<String> text(ScalarType<?> type) {
        boolean plain = node.isEmpty()
                || node.get().getTag().equals(Tag.STR)
                || node.get().getTag().equals(Tag.INT)
                || node.get().getTag().equals(Tag.FLOAT)
                || node.get().getTag().equals(Tag.BOOL);
        if (kind != Kind.SCALAR || !plain) {
            wrongType(type.allowed());
            return Optional.empty();
        }
        try {
            References.Resolved resolved = reading.references().resolve(text);
            resolved.variable().ifPresent(name -> reading.found(path, at, new Origin.Environment(name)));
            return Optional.of(resolved.text());
        } catch (InvalidValueException e) {
            error(ConfigError.Kind.UNRESOLVED_REFERENCE, type.shown(text), e.allowed());
            return Optional.empty();
        }
    }

    /** The elements; none if this is absent or empty; an error is recorded if it is something else. */
    List<ConfigNode> items(String allowed) {
        if (node.isEmpty() || !(node.get() instanceof SequenceNode sequence)) {
            if (kind != Kind.ABSENT && kind != Kind.EMPTY) {
                wrongType(allowed);
            }
            return List.of();
        }
        List<ConfigNode> items = new ArrayList<>();
        for (Node item : sequence.getValue()) {
            items.add(of(reading, item, entry(path, items.size())));
        }
        return items;
    }

    /**
     * The entries by key; none if this is absent or empty; an error is recorded if it is something else, and for every
     * key that is there twice or is no plain text.
     *
     * @param named whether the keys are names that the user chose, which shows in the path
     */
    Map<String, ConfigNode> entries(String allowed, boolean named) {
        if (node.isEmpty() || !(node.get() instanceof MappingNode mapping)) {
            if (kind != Kind.ABSENT && kind != Kind.EMPTY) {
                wrongType(allowed);
            }
            return Map.of();
        }
        Map<String, ConfigNode> entries = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            Position keyAt = Position.of(tuple.getKeyNode().getStartMark());
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                reading.error(ConfigError.Kind.WRONG_TYPE, keyAt, path, "", "a text as key", Optional.empty());
                continue;
            }
            String name = key.getValue();
            String childPath = named ? entry(path, name) : child(path, name);
            if (entries.containsKey(name)) {
                Position first = reading.keyOf(childPath);
                reading.error(
                        ConfigError.Kind.DUPLICATE_KEY,
                        keyAt,
                        childPath,
                        name,
                        "it is there at " + first.line() + ":" + first.column() + " already; each key once",
                        Optional.empty());
                continue;
            }
            entries.put(name, of(reading, tuple.getValueNode(), childPath));
            reading.keyAt(childPath, keyAt);
        }
        return entries;
    }

    /** Records that this is not among the allowed kinds of node. */
    void wrongType(String allowed) {
        String found = switch (kind) {
            case ABSENT, EMPTY -> "no value";
            case SCALAR -> "a single value";
            case LIST -> "a list";
            case MAPPING -> "a mapping";
        };
        error(ConfigError.Kind.WRONG_TYPE, "", allowed + ", found " + found);
    }

    /** Records an error about this value. */
    void error(ConfigError.Kind errorKind, String shown, String allowed) {
        reading.error(errorKind, at, path, shown, allowed, Optional.empty());
    }
}
