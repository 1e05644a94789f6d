package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.WholeFile;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Where {@link Arrived} is kept for one target: a line for each node, one for each image, whose members are numbers of
 * nodes, and one for each tag with all that it has named. Losing the file costs that the next receipt is about its own
 * bundle alone, and that a tag may go back unnoticed.
 *
 * @param file the file
 */
record ArrivedFile(Path file) {
    private static final String HEAD = "entrepot arrived 1 ";
    private static final String NODE = "node";
    private static final String IMAGE = "image";
    private static final String PART = "part";
    private static final String MOVES = "tag";

    /** The file for a target in a folder. */
    static ArrivedFile of(Path folder, String target) {
        Digest name = Digest.sha256(target.getBytes(StandardCharsets.UTF_8));
        return new ArrivedFile(folder.resolve("arrived-" + name.encoded().substring(0, 32)));
    }

    /**
     * Reads it; nothing where there is no file.
     *
     * @throws IOException if it cannot be read, or is not what this program wrote; the message says what to do
     */
    Arrived read() throws IOException {
        Arrived arrived = new Arrived();
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            String head = lines.readLine();
            if (head == null || !head.startsWith(HEAD)) {
                throw new IllegalArgumentException("it does not begin with " + HEAD.strip());
            }
            List<Arrived.Node> nodes = new ArrayList<>();
            // There are many nodes and few repositories.
            Map<String, RepositoryName> repositories = new HashMap<>();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", -1);
                if (words[0].equals(NODE) && words.length == 7) {
                    nodes.add(node(words, repositories));
                    arrived.put(nodes.getLast());
                } else if ((words[0].equals(IMAGE) || words[0].equals(PART))
                        && (words.length == 8 || words.length == 9)) {
                    arrived.put(image(words, nodes));
                } else if (words[0].equals(MOVES) && words.length == 4) {
                    readMoves(words, arrived);
                } else {
                    throw new IllegalArgumentException("a line is of nothing that is known");
                }
            }
            // An earlier version did not note where tags were.
            arrived.images().forEach(arrived::seen);
            return arrived;
        } catch (NoSuchFileException e) {
            return arrived;
        } catch (IllegalArgumentException | IndexOutOfBoundsException | CharacterCodingException e) {
            throw new IOException(
                    file + " is damaged: " + e.getMessage()
                            + "; remove it: then the next receipt is about its own bundle alone, and the next import does"
                            + " not know which tags earlier ones have moved",
                    e);
        }
    }

    private static Arrived.Node node(String[] words, Map<String, RepositoryName> repositories) {
        Descriptor node = Descriptor.of(MediaType.OCTET_STREAM, Digest.parse(words[4]), Long.parseLong(words[5]));
        return new Arrived.Node(
                new Wanted(
                        repositories.computeIfAbsent(words[1], RepositoryName::new), node, words[3].equals("manifest")),
                repositories.computeIfAbsent(words[2], RepositoryName::new),
                words[6].equals("said"));
    }

    private static Arrived.Image image(String[] words, List<Arrived.Node> nodes) {
        List<Digest> members = new ArrayList<>();
        for (String number : words[6].equals("-") ? new String[0] : words[6].split(",", -1)) {
            members.add(nodes.get(Integer.parseInt(number)).wanted().node().digest());
        }
        Map<Tag, Digest> cosign = new HashMap<>();
        if (!words[7].equals("-")) {
            for (String pair : words[7].split(",", -1)) {
                int equals = pair.indexOf('=');
                cosign.put(new Tag(pair.substring(0, equals)), Digest.parse(pair.substring(equals + 1)));
            }
        }
        Arrived.Name name = new Arrived.Name(new RepositoryName(words[3]), new Tag(words[4]));
        return new Arrived.Image(
                new RepositoryName(words[1]),
                new Tag(words[2]),
                name,
                Digest.parse(words[5]),
                members,
                cosign,
                words.length == 8 ? Map.of() : referrers(words[8], nodes),
                words[0].equals(IMAGE));
    }

    // SUBJECT=REFERRER+REFERRER,SUBJECT=REFERRER: numbers of nodes, as of members.
    private static Map<Digest, Set<Digest>> referrers(String word, List<Arrived.Node> nodes) {
        Map<Digest, Set<Digest>> referrers = new HashMap<>();
        for (String list : word.split(",", -1)) {
            int equals = list.indexOf('=');
            Set<Digest> digests = new LinkedHashSet<>();
            for (String number : list.substring(equals + 1).split("\\+", -1)) {
                digests.add(nodes.get(Integer.parseInt(number)).wanted().node().digest());
            }
            int subject = Integer.parseInt(list.substring(0, equals));
            referrers.put(nodes.get(subject).wanted().node().digest(), digests);
        }
        return referrers;
    }

    private static void readMoves(String[] words, Arrived arrived) {
        Arrived.Name name = new Arrived.Name(new RepositoryName(words[1]), new Tag(words[2]));
        for (String digest : words[3].split(",", -1)) {
            arrived.moved(name, Digest.parse(digest));
        }
    }

    /**
     * Writes it, so that the old one or the new one is there, also after a power cut.
     *
     * @param target name of the target, for whoever looks at the file
     * @throws IOException if it cannot be written
     */
    void write(Arrived all, String target) throws IOException {
        Arrived arrived = all.bounded(Arrived.MOST_NODES, Arrived.MOST_IMAGES);
        WholeFile.write(file, bytes -> {
            BufferedWriter out = new BufferedWriter(new OutputStreamWriter(bytes, StandardCharsets.UTF_8));
            write(arrived, target, out);
            out.flush();
        });
    }

    private static void write(Arrived arrived, String target, BufferedWriter out) throws IOException {
        out.append(HEAD).append(target.replaceAll("\\s", " ")).append('\n');
        Map<Arrived.Place, Integer> numbers = new HashMap<>();
        for (Arrived.Node node : arrived.nodes()) {
            numbers.put(node.place(), numbers.size());
            Wanted wanted = node.wanted();
            String kind = wanted.manifest() ? "manifest" : "blob";
            out.append(String.join(
                            " ",
                            NODE,
                            wanted.repository().value(),
                            node.at().value(),
                            kind,
                            wanted.node().digest().toString(),
                            Long.toString(wanted.node().sizeBytes()),
                            node.said() ? "said" : "-"))
                    .append('\n');
        }
        for (Arrived.Image image : arrived.images()) {
            out.append(line(image, numbers)).append('\n');
        }
        for (Map.Entry<Arrived.Name, List<Digest>> move : arrived.moves().entrySet()) {
            String digests = move.getValue().stream().map(Digest::toString).collect(Collectors.joining(","));
            Arrived.Name name = move.getKey();
            out.append(String.join(" ", MOVES, name.at().value(), name.as().value(), digests))
                    .append('\n');
        }
    }

    private static String line(Arrived.Image image, Map<Arrived.Place, Integer> numbers) {
        Function<Digest, String> number = digest -> String.valueOf(
                numbers.get(new Arrived.Place(image.repository(), image.name().at(), digest)));
        List<String> members = image.members().stream().map(number).toList();
        List<String> cosign = new ArrayList<>();
        image.cosign().forEach((tag, manifest) -> cosign.add(tag + "=" + manifest));
        List<String> referrers = new ArrayList<>();
        image.referrers()
                .forEach((subject, digests) -> referrers.add(number.apply(subject) + "="
                        + digests.stream().map(number).collect(Collectors.joining("+"))));
        List<String> words = new ArrayList<>(List.of(
                image.whole() ? IMAGE : PART,
                image.repository().value(),
                image.tag().value(),
                image.name().at().value(),
                image.name().as().value(),
                image.manifest().toString(),
                members.isEmpty() ? "-" : String.join(",", members),
                cosign.isEmpty() ? "-" : String.join(",", cosign)));
        if (!referrers.isEmpty()) {
            words.add(String.join(",", referrers));
        }
        return String.join(" ", words);
    }
}
