package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.file.Path;
import java.util.Optional;

/**
 * An image in an OCI image layout as commands name it: {@code layout:PATH}, where, as for the target of a rule, the
 * path is a tar if it ends in {@code .tar} and else a folder, and behind it what the layout's index names it,
 * {@code :TAG} or {@code :REPOSITORY:TAG}, or {@code @DIGEST}. A colon or an at sign ends the path.
 *
 * @param path where the layout is, absolute and normalized
 * @param repository the repository in it, where one is written
 * @param tag the tag, where one is written
 * @param digest the digest, where one is written; it wins over the tag
 */
public record LayoutName(Path path, Optional<RepositoryName> repository, Optional<Tag> tag, Optional<Digest> digest)
        implements CopyName {
    private static final String SCHEME = "layout:";

    /** Whether a text names an image in a layout. */
    static boolean is(String text) {
        return text.startsWith(SCHEME);
    }

    /**
     * The same name with an absolute path; a text that names no layout stays as it is.
     *
     * @param folder where relative paths start
     */
    public static String absolute(String text, Path folder) {
        if (!is(text)) {
            return text;
        }
        int end = pathEnd(text);
        String path = text.substring(SCHEME.length(), end);
        return path.isEmpty() ? text : SCHEME + folder.resolve(path).toAbsolutePath() + text.substring(end);
    }

    /**
     * The absolute path of the layout that a text names; empty if it names none.
     *
     * @throws BadRequestException if it is to name one and does not, or not by an absolute path
     */
    public static Optional<Path> pathOf(String text) throws BadRequestException {
        return is(text) ? Optional.of(parse(text).path()) : Optional.empty();
    }

    private static int pathEnd(String text) {
        int end = SCHEME.length();
        while (end < text.length() && text.charAt(end) != ':' && text.charAt(end) != '@') {
            end++;
        }
        return end;
    }

    /**
     * Parses a name.
     *
     * @throws BadRequestException if it is none, or its path is not absolute
     */
    static LayoutName parse(String text) throws BadRequestException {
        try {
            int end = pathEnd(text);
            Path path = Path.of(text.substring(SCHEME.length(), end));
            String rest = text.substring(end);
            int at = rest.indexOf('@');
            Optional<Digest> digest = at < 0 ? Optional.empty() : Optional.of(Digest.parse(rest.substring(at + 1)));
            String name = at < 0 ? rest : rest.substring(0, at);
            int colon = name.lastIndexOf(':');
            Optional<Tag> tag = colon < 0 ? Optional.empty() : Optional.of(new Tag(name.substring(colon + 1)));
            Optional<RepositoryName> repository =
                    colon <= 0 ? Optional.empty() : Optional.of(new RepositoryName(name.substring(1, colon)));
            if (end == SCHEME.length()) {
                throw new IllegalArgumentException("there is no path behind " + SCHEME);
            }
            if (!path.isAbsolute()) {
                throw new BadRequestException(text + " needs an absolute path here");
            }
            return new LayoutName(path.normalize(), repository, tag, digest);
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(
                    text + " is not the name of an image in a layout, such as layout:export/images"
                            + ", layout:images.tar:v1 or layout:images.tar:team/app:v1: " + e.getMessage());
        }
    }

    @Override
    public String toString() {
        return SCHEME
                + path
                + repository.map(name -> ":" + name).orElse("")
                + tag.map(t -> ":" + t).orElse("")
                + digest.map(d -> "@" + d).orElse("");
    }
}
