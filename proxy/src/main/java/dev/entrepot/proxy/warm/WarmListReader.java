package dev.entrepot.proxy.warm;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Reference;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.core.json.JsonFactory;

/**
 * Finds images in what people have at hand: a list of references, one in a line; what {@code kubectl get pods -o json}
 * prints (or any Kubernetes object with containers in it); or the access log of this program, as text or as JSON. Which
 * of these it is shows in the input itself. It is read as a stream, however long it is. For one use.
 */
public final class WarmListReader {
    private static final int LINE_CHARS = 64 * 1024;
    private static final int WHITE_BYTES = 64 * 1024;
    // A log may be long; what of it is kept is bounded by the images.
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(256)
                    .maxStringLength(4 << 20)
                    .build())
            .build();

    private final LoggedPulls pulls;
    private final Map<Reference, Integer> images = new LinkedHashMap<>();
    private final List<String> unread = new ArrayList<>();
    private long unreadMore;
    private boolean logged;

    /** A reader that knows the names of the upstreams in the paths of an access log. */
    public WarmListReader(LoggedPulls pulls) {
        this.pulls = pulls;
    }

    /**
     * Reads to the end.
     *
     * @throws IOException if the input cannot be read, is no JSON although it begins like it, but for the last line of
     *     an access log, which may be cut off, or names more than {@link WarmList#MAX_IMAGES} images
     */
    public WarmList read(InputStream input) throws IOException {
        BufferedInputStream in = new BufferedInputStream(input);
        if (beginsWithBrace(in)) {
            readJson(in);
        } else {
            readLines(in);
        }
        return new WarmList(images, unread, unreadMore);
    }

    private static boolean beginsWithBrace(BufferedInputStream in) throws IOException {
        in.mark(WHITE_BYTES);
        int next;
        int seen = 0;
        do {
            next = in.read();
            seen++;
        } while (seen < WHITE_BYTES && next >= 0 && Character.isWhitespace(next));
        in.reset();
        return next == '{' || next == '[';
    }

    private void readLines(InputStream in) throws IOException {
        BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), LINE_CHARS);
        int number = 0;
        String line;
        while ((line = line(reader)) != null) {
            number++;
            int comment = line.startsWith("#") ? 0 : line.indexOf(" #");
            String text = (comment < 0 ? line : line.substring(0, comment)).strip();
            if (line.startsWith("time=")) {
                addLogged(pulls.ofText(line));
            } else if (!text.isEmpty()) {
                addNamed(text, "line " + number);
            }
        }
    }

    // As BufferedReader.readLine, but a line that never ends is cut instead of filling the memory.
    private static @Nullable String line(BufferedReader reader) throws IOException {
        StringBuilder line = new StringBuilder();
        int next = reader.read();
        if (next < 0) {
            return null;
        }
        while (next >= 0 && next != '\n') {
            if (line.length() < LINE_CHARS) {
                line.append((char) next);
            }
            next = reader.read();
        }
        return line.toString();
    }

    private void readJson(InputStream in) throws IOException {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), in)) {
            int number = 0;
            while (parser.nextToken() != null) {
                number++;
                readObject(parser, number);
            }
        } catch (JacksonException e) {
            // The end of a log may be on its way still, or was lost when its writer was killed.
            if (logged && e instanceof UnexpectedEndOfInputException) {
                return;
            }
            throw new IOException("the input begins as JSON and is none at line "
                    + e.getLocation().getLineNr() + "; expected references, one in a line, the output of"
                    + " \"kubectl get pods -o json\", or an access log");
        }
    }

    // Of the access log an object has its fields at the top; of Kubernetes, images are wherever containers are.
    private void readObject(JsonParser parser, int number) throws IOException {
        Map<String, String> fields = new LinkedHashMap<>();
        List<String> names = new ArrayList<>();
        int depth = 0;
        do {
            JsonToken token = parser.currentToken();
            if (token == JsonToken.START_OBJECT || token == JsonToken.START_ARRAY) {
                depth++;
                names.add(String.valueOf(parser.currentName()));
            } else if (token == JsonToken.END_OBJECT || token == JsonToken.END_ARRAY) {
                depth--;
                names.removeLast();
            } else if (token == JsonToken.VALUE_STRING || token == JsonToken.VALUE_NUMBER_INT) {
                value(parser, names, depth, fields, number);
            }
        } while (depth > 0 && parser.nextToken() != null);
        logged = fields.containsKey("path");
        if (logged) {
            addLogged(pulls.of(fields));
        }
    }

    private void value(JsonParser parser, List<String> names, int depth, Map<String, String> fields, int number)
            throws IOException {
        String name = String.valueOf(parser.currentName());
        if (depth == 1 && LoggedPulls.FIELDS.contains(name)) {
            fields.put(name, parser.getString());
        } else if (name.equals("image") && depth >= 2 && isContainers(names.get(depth - 2))) {
            addNamed(parser.getString(), "object " + number);
        }
    }

    private static boolean isContainers(String name) {
        return name.equals("containers") || name.equals("initContainers") || name.equals("ephemeralContainers");
    }

    private void addLogged(Optional<Reference> image) throws IOException {
        if (image.isPresent()) {
            add(image.get());
        }
    }

    private void addNamed(String text, String place) throws IOException {
        Optional<Reference> image = parse(text);
        if (image.isPresent()) {
            add(image.get());
        } else if (unread.size() < WarmList.UNREAD_SHOWN) {
            unread.add(place + ": \"" + shown(text) + "\" is no image; expected host/name:tag or host/name@digest");
        } else {
            unreadMore++;
        }
    }

    // Pods may have any text there, and it is shown on a terminal.
    private static String shown(String text) {
        String cut = text.length() > 100 ? text.substring(0, 100) + "..." : text;
        return cut.replaceAll("[\\p{Cc}\\p{Cf}]", "?");
    }

    private static Optional<Reference> parse(String text) {
        try {
            return Optional.of(Reference.parse(text));
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private void add(Reference image) throws IOException {
        images.merge(image, 1, Integer::sum);
        if (images.size() > WarmList.MAX_IMAGES) {
            throw new IOException("the input names more than " + WarmList.MAX_IMAGES + " images; warm them in parts");
        }
    }
}
