package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A receipt whose signature was verified.
 *
 * @param receipt what it says
 * @param delta what need not be sent because of it
 */
public record SignedReceipt(Receipt receipt, Delta delta) {
    /** What is behind the name of a receipt in that of its signature. */
    public static final String SIGNATURE = ".sig";

    /**
     * Reads a receipt and the signature beside it, and verifies it before anything else is read of it.
     *
     * @param file the receipt
     * @param trust files of keys of which any one may have signed it
     * @throws BundleException if it is not signed by one of them, or is no receipt
     * @throws IOException if a file cannot be read
     */
    public static SignedReceipt read(Path file, List<Path> trust) throws IOException {
        List<BundleTrust> keys = new ArrayList<>();
        for (Path key : trust) {
            keys.add(BundleTrust.read(key));
        }
        Path signatureFile = file.resolveSibling(file.getFileName() + SIGNATURE);
        byte[] document;
        try {
            document = bytes(file, BundleLimits.DOCUMENT_BYTES);
        } catch (NoSuchFileException e) {
            throw new BundleException(
                    "there is no file " + file
                            + "; a receipt is what \"entrepot import --receipt\" wrote at the other side",
                    e);
        }
        byte[] signature;
        try {
            signature = bytes(signatureFile, BundleLimits.SIGNATURE_BYTES);
        } catch (NoSuchFileException e) {
            throw new BundleException(
                    file + " has no signature: " + signatureFile
                            + " is missing; it has to be brought along with the receipt",
                    e);
        }
        if (keys.stream().noneMatch(key -> key.verifies(document, signature))) {
            throw new BundleException(signatureFile + " is not the signature of " + file + " by a key of "
                    + trust.stream().map(Path::toString).collect(Collectors.joining(", "))
                    + ": the receipt was altered, or signed by somebody else");
        }
        Receipt receipt = ReceiptJson.read(document, file.toString());
        return new SignedReceipt(receipt, new Delta(receipt, document));
    }

    private static byte[] bytes(Path file, int limit) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw new BundleException(file + " has more than " + limit + " bytes");
            }
            return bytes;
        } catch (FileSystemException | BundleException e) {
            throw e;
        } catch (IOException e) {
            throw new BundleException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** For people: which target it is of, and when that was asked, so that an old one is not taken for the last. */
    public String made() {
        return receipt.target()
                + receipt.made().map(time -> ", made at " + time).orElse(", which does not say when it was made");
    }

    /** A line for people where the other side still needs volumes of the bundle that it answers. */
    public Optional<String> missing() {
        String volumes = receipt.missingVolumes().stream().map(String::valueOf).collect(Collectors.joining(","));
        return receipt.bundle()
                .filter(bundle -> !volumes.isEmpty())
                .map(bundle -> receipt.target() + " still needs volumes " + volumes + " of bundle " + bundle
                        + "; they are written again with: " + VolumeProblem.reissue(bundle, volumes));
    }
}
