package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.net.URI;
import java.util.Optional;

/**
 * An image as commands name it: a reference whose host is configured, or one with {@code http://} or {@code https://}
 * before it, which then says where the registry is. Plain HTTP is never guessed.
 *
 * @param url where the registry is, if the text says so
 * @param registry the host
 * @param repository the repository
 * @param tag the tag, where one is written
 * @param digest the digest, where one is written; it wins over the tag
 */
record ImageName(
        Optional<URI> url, RegistryHost registry, RepositoryName repository, Optional<Tag> tag, Optional<Digest> digest)
        implements CopyName {

    /**
     * Parses a name.
     *
     * @throws BadRequestException if it is none
     */
    static ImageName parse(String text) throws BadRequestException {
        UserInName.refuse(text);
        try {
            int scheme = text.indexOf("://");
            return scheme < 0 ? ofReference(Reference.parse(text)) : ofUrl(text, scheme);
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(text + " is not the name of an image, such as registry.example/app:v1 or"
                    + " http://127.0.0.1:5000/app:v1: " + e.getMessage());
        }
    }

    private static ImageName ofReference(Reference reference) {
        return new ImageName(
                Optional.empty(),
                reference.repository().registry(),
                reference.repository().name(),
                reference.tag(),
                reference.digest());
    }

    private static ImageName ofUrl(String text, int schemeEnd) {
        String scheme = text.substring(0, schemeEnd);
        String rest = text.substring(schemeEnd + 3);
        int slash = rest.indexOf('/');
        if (slash < 0 || !scheme.equals("http") && !scheme.equals("https")) {
            throw new IllegalArgumentException("expected http://host/name or https://host/name");
        }
        RegistryHost host = RegistryHost.parse(rest.substring(0, slash));
        // Behind this host, unlike others, a name is taken as it is.
        Reference reference = Reference.parse("localhost" + rest.substring(slash));
        return new ImageName(
                Optional.of(URI.create(scheme + "://" + host)),
                host,
                reference.repository().name(),
                reference.tag(),
                reference.digest());
    }

    /** The same image as a reference of a registry with another name. */
    ImageName at(RegistryHost name) {
        return new ImageName(Optional.empty(), name, repository, tag, digest);
    }

    @Override
    public String toString() {
        return url.map(URI::toString).orElse(registry.value()) + "/" + repository
                + tag.map(t -> ":" + t).orElse("")
                + digest.map(d -> "@" + d).orElse("");
    }
}
