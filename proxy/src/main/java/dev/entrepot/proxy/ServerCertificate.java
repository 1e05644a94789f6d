package dev.entrepot.proxy;

import dev.entrepot.config.TlsConfig;
import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.tls.Tls;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;

/** The server's certificate and key, from PEM files. */
final class ServerCertificate {
    private ServerCertificate() {}

    /**
     * Reads and checks the files. The key must be that of the certificate: a server with another starts, and then fails every handshake.
     *
     * @throws IOException if a file cannot be read, or the key is another's; the message names the files
     */
    static Tls load(TlsConfig config) throws IOException {
        PrivateKey key;
        List<X509Certificate> chain;
        try {
            Keys keys = Keys.builder()
                    .pem(pem -> pem.key(Resource.create(config.key())).certChain(Resource.create(config.certificate())))
                    .build();
            key = keys.privateKey().orElseThrow(() -> new IllegalArgumentException("no private key"));
            chain = keys.certChain();
            if (chain.isEmpty()) {
                throw new IllegalArgumentException("no certificate");
            }
        } catch (RuntimeException e) {
            throw new IOException(
                    "cannot read the server's certificate " + config.certificate() + " and its key " + config.key()
                            + ": " + e.getMessage(),
                    e);
        }
        if (!belongs(key, chain.getFirst().getPublicKey())) {
            throw new IOException(
                    "the key " + config.key() + " is not that of the first certificate in " + config.certificate());
        }
        return Tls.builder().privateKey(key).privateKeyCertChain(chain).build();
    }

    private static boolean belongs(PrivateKey key, PublicKey certified) throws IOException {
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> key.getAlgorithm();
        };
        try {
            byte[] message = {1, 2, 3};
            Signature signer = Signature.getInstance(algorithm);
            signer.initSign(key);
            signer.update(message);
            byte[] signature = signer.sign();
            signer.initVerify(certified);
            signer.update(message);
            return signer.verify(signature);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }
}
