package dev.entrepot.config;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * Bytes to nodes with their places. The events are looked at before nodes are made of them, because the library
 * composes nodes recursively and bounds neither depth nor, for scalars, aliases.
 */
final class YamlDocument {
    /** The largest file that is read. */
    static final int MAX_BYTES = 1 << 20;
    /** How deep lists and mappings may be within each other. */
    static final int MAX_DEPTH = 32;
    /** How often aliases may be used. */
    static final int MAX_ALIASES = 50;

    private YamlDocument() {}

    /** The root of the one document in the bytes; empty, with errors recorded or none, if there is nothing to read. */
    static Optional<Node> parse(byte[] bytes, Reading reading) {
        if (bytes.length > MAX_BYTES) {
            syntax(reading, ConfigError.Kind.UNREADABLE, Position.FILE, "the file is longer than 1MiB");
            return Optional.empty();
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            syntax(reading, ConfigError.Kind.SYNTAX, Position.FILE, "the file is not UTF-8");
            return Optional.empty();
        }
        String content = text.startsWith("\uFEFF") ? text.substring(1) : text;
        LoadSettings settings = LoadSettings.builder()
                .setSchema(new CoreSchema())
                .setUseMarks(true)
                .setAllowNonScalarKeys(true)
                .setCodePointLimit(MAX_BYTES)
                .setMaxAliasesForCollections(MAX_ALIASES)
                .build();
        try {
            return withinLimits(content, settings, reading)
                    ? new Compose(settings).composeString(content)
                    : Optional.empty();
        } catch (MarkedYamlEngineException e) {
            syntax(reading, ConfigError.Kind.SYNTAX, Position.of(e.getProblemMark()), problem(e, content));
        } catch (ReaderException e) {
            Position at = positionOf(content, e.getPosition());
            syntax(reading, ConfigError.Kind.SYNTAX, at, "a character that YAML does not allow");
        } catch (YamlEngineException e) {
            syntax(reading, ConfigError.Kind.SYNTAX, Position.FILE, "the file is not YAML 1.2");
        }
        return Optional.empty();
    }

    private static boolean withinLimits(String content, LoadSettings settings, Reading reading) {
        int depth = 0;
        int aliases = 0;
        int documents = 0;
        for (Event event : new Parse(settings).parseString(content)) {
            switch (event.getEventId()) {
                case SequenceStart, MappingStart -> depth++;
                case SequenceEnd, MappingEnd -> depth--;
                case Alias -> aliases++;
                case DocumentStart -> documents++;
                case Scalar, Comment, StreamStart, StreamEnd, DocumentEnd -> {}
            }
            String exceeded = depth > MAX_DEPTH
                    ? "more than " + MAX_DEPTH + " levels"
                    : aliases > MAX_ALIASES
                            ? "more than " + MAX_ALIASES + " aliases"
                            : documents > 1 ? "more than one document" : "";
            String refused = exceeded.isEmpty() ? refused(event) : exceeded;
            if (!refused.isEmpty()) {
                syntax(reading, ConfigError.Kind.SYNTAX, Position.of(event.getStartMark()), refused);
                return false;
            }
        }
        return true;
    }

    // The library merges, although YAML 1.2 has no such thing: for ever where a mapping is to be merged into itself,
    // and
    // without a word of what it drops where one is there twice. A tag can ask it to, too.
    private static String refused(Event event) {
        if (event instanceof ScalarEvent scalar
                && scalar.isPlain()
                && scalar.getValue().equals("<<")) {
            return "a merge key (<<), which YAML 1.2 has not; write the keys out, or give a whole value by an alias";
        }
        boolean tagged = event instanceof ScalarEvent scalar && scalar.getTag().isPresent()
                || event instanceof CollectionStartEvent start && start.getTag().isPresent();
        return tagged ? "a tag (!); leave it out, or put a text that begins so in quotes" : "";
    }

    // The library's message has an excerpt of the file, which may hold a secret. So do its two sentences where they
    // name an alias or a tag:
    // a password may begin as these do.
    private static String problem(MarkedYamlEngineException e, String content) {
        String context = e.getContext() == null || e.getContext().isEmpty() ? "" : e.getContext() + ": ";
        // It says this of whatever character, and means tabs.
        String problem = e.getProblem().contains("\\t(TAB)")
                ? e.getProblem()
                : e.getProblem()
                        .replaceFirst("\\. \\(Do not use .* for indentation\\)$", "")
                        .replaceFirst("^(found undefined (?:alias|tag handle)) .*", "$1");
        return "not YAML: " + context + problem + remedy(e, content);
    }

    private static String remedy(MarkedYamlEngineException e, String content) {
        if (isWithinReference(content, Position.of(e.getProblemMark()))) {
            return "; within { } and [ ], a value with ${...} needs quotes: \"${env:NAME}\"";
        }
        String problem = e.getProblem();
        String begun = e.getContextMark().isEmpty() ? "" : " that begins at " + place(Position.of(e.getContextMark()));
        if (problem.startsWith("mapping values are not allowed")) {
            return "; indent this line as the keys beside it, and put a text with \": \" in it in quotes";
        }
        if (problem.startsWith("expected <block end>")) {
            return "; indent this line as the others of the block" + begun;
        }
        if (problem.startsWith("expected ',' or")) {
            return "; close the " + (problem.contains("}") ? "{" : "[") + begun;
        }
        if (problem.startsWith("found unexpected end of stream")) {
            return "; close the quote" + begun;
        }
        return problem.startsWith("found undefined") || problem.contains("cannot start any token")
                ? "; put a text that begins so in quotes"
                : "";
    }

    private static String place(Position at) {
        return at.line() + ":" + at.column();
    }

    // There, YAML takes the brace of a reference for the start of a mapping.
    private static boolean isWithinReference(String content, Position at) {
        return content.lines()
                .skip(Math.max(at.line() - 1L, 0))
                .findFirst()
                .map(line -> line.codePoints().limit(at.column()).toArray())
                .filter(line -> line.length > 1 && line.length == at.column())
                .filter(line -> line[line.length - 2] == '$' && line[line.length - 1] == '{')
                .isPresent();
    }

    private static Position positionOf(String content, int codePoint) {
        int line = 1;
        int column = 1;
        int seen = 0;
        for (int i = 0; i < content.length() && seen < codePoint; i += Character.charCount(content.codePointAt(i))) {
            boolean lineBreak = content.charAt(i) == '\n';
            line += lineBreak ? 1 : 0;
            column = lineBreak ? 1 : column + 1;
            seen++;
        }
        return new Position(line, column);
    }

    private static void syntax(Reading reading, ConfigError.Kind kind, Position at, String problem) {
        reading.error(kind, at, "", "", problem, Optional.empty());
    }
}
