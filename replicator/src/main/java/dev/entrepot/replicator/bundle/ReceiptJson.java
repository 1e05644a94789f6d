package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;

/**
 * Writes and reads the receipt document: one receipt has exactly one document, and a document that is not exactly that
 * is refused.
 */
public final class ReceiptJson {
    private ReceiptJson() {}

    /**
     * The document.
     *
     * @throws BundleException if it exceeds {@link BundleLimits#DOCUMENT_BYTES}
     */
    public static byte[] write(Receipt receipt) throws BundleException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        write(receipt, bytes);
        if (bytes.size() > BundleLimits.DOCUMENT_BYTES) {
            throw new BundleException("the receipt would have " + bytes.size() + " bytes, allowed are "
                    + BundleLimits.DOCUMENT_BYTES + "; import with --only");
        }
        return bytes.toByteArray();
    }

    /**
     * Reads a document.
     *
     * @param place where it is, for messages
     * @throws BundleException if it is too long, not a receipt of this version, or not in the one form that it has
     */
    public static Receipt read(byte[] document, String place) throws BundleException {
        try (CanonicalReader in = new CanonicalReader(document)) {
            Receipt receipt = in.object(() -> receipt(in));
            in.end();
            SameBytes same = new SameBytes(document);
            write(receipt, same);
            if (!same.isSame()) {
                throw new BundleException(
                        place + " is not written as a receipt is: the order of its keys, white space, "
                                + "or something twice");
            }
            return receipt;
        } catch (JacksonException e) {
            throw new BundleException(place + " is not a readable receipt: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new BundleException(place + " is not a receipt: " + e.getMessage(), e);
        }
    }

    private static Receipt receipt(CanonicalReader in) {
        in.key("receipt");
        long version = in.number();
        Checks.that(
                version == Receipt.VERSION,
                "it is of version " + version + ", this program reads version " + Receipt.VERSION);
        Optional<Digest> bundle = in.optionalKey("bundle") ? Optional.of(Digest.parse(in.text())) : Optional.empty();
        in.key("target");
        String target = in.text();
        Optional<Instant> made = in.optionalKey("made") ? Optional.of(instant(in.text())) : Optional.empty();
        in.key("images");
        List<Receipt.Image> images = in.list(() -> in.object(() -> image(in)));
        in.key("held");
        SortedMap<RepositoryName, SortedSet<Digest>> held = byRepository(in);
        SortedMap<RepositoryName, SortedSet<Digest>> loose =
                in.optionalKey("loose") ? byRepository(in) : new TreeMap<>();
        in.key("lost");
        SortedMap<RepositoryName, SortedSet<Digest>> lost = byRepository(in);
        in.key("missing-volumes");
        return new Receipt(bundle, target, made, images, held, loose, lost, in.list(in::smallNumber));
    }

    private static Instant instant(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(text + " is no time", e);
        }
    }

    private static Receipt.Image image(CanonicalReader in) {
        in.key("repository");
        RepositoryName repository = new RepositoryName(in.text());
        in.key("tag");
        Tag tag = new Tag(in.text());
        in.key("manifest");
        return new Receipt.Image(repository, tag, Digest.parse(in.text()));
    }

    private static SortedMap<RepositoryName, SortedSet<Digest>> byRepository(CanonicalReader in) {
        SortedMap<RepositoryName, SortedSet<Digest>> result = new TreeMap<>();
        in.list(() -> in.object(() -> {
            in.key("repository");
            RepositoryName repository = new RepositoryName(in.text());
            in.key("digests");
            result.put(repository, new TreeSet<>(in.list(() -> Digest.parse(in.text()))));
            return repository;
        }));
        return Collections.unmodifiableSortedMap(result);
    }

    private static void write(Receipt receipt, OutputStream out) {
        try (JsonGenerator json = OciJson.mapper().createGenerator(out)) {
            json.writeStartObject();
            json.writeNumberProperty("receipt", Receipt.VERSION);
            receipt.bundle().ifPresent(bundle -> json.writeStringProperty("bundle", bundle.toString()));
            json.writeStringProperty("target", receipt.target());
            receipt.made().ifPresent(made -> json.writeStringProperty("made", made.toString()));
            json.writeArrayPropertyStart("images");
            for (Receipt.Image image : receipt.images()) {
                json.writeStartObject();
                json.writeStringProperty("repository", image.repository().value());
                json.writeStringProperty("tag", image.tag().value());
                json.writeStringProperty("manifest", image.manifest().toString());
                json.writeEndObject();
            }
            json.writeEndArray();
            write(json, "held", receipt.held());
            if (!receipt.loose().isEmpty()) {
                write(json, "loose", receipt.loose());
            }
            write(json, "lost", receipt.lost());
            json.writeArrayPropertyStart("missing-volumes");
            receipt.missingVolumes().forEach(json::writeNumber);
            json.writeEndArray();
            json.writeEndObject();
        }
    }

    private static void write(
            JsonGenerator json, String name, SortedMap<RepositoryName, SortedSet<Digest>> byRepository) {
        json.writeArrayPropertyStart(name);
        byRepository.forEach((repository, digests) -> {
            json.writeStartObject();
            json.writeStringProperty("repository", repository.value());
            json.writeArrayPropertyStart("digests");
            digests.forEach(digest -> json.writeString(digest.toString()));
            json.writeEndArray();
            json.writeEndObject();
        });
        json.writeEndArray();
    }
}
