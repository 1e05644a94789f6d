package dev.entrepot.replicator.bundle;

import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.interfaces.ECKey;
import java.security.interfaces.EdECKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.NamedParameterSpec;
import java.util.Optional;

/** The signatures that are made and accepted. */
enum SignatureKind {
    /** ECDSA with P-256 and SHA-256. */
    P256("SHA256withECDSA", "secp256r1"),
    /** ECDSA with P-384 and SHA-384. */
    P384("SHA384withECDSA", "secp384r1"),
    /** ECDSA with P-521 and SHA-512. */
    P521("SHA512withECDSA", "secp521r1"),
    /** Ed25519. */
    ED25519("Ed25519", "");

    private final String algorithm;
    private final String curve;

    SignatureKind(String algorithm, String curve) {
        this.algorithm = algorithm;
        this.curve = curve;
    }

    /** The name that the JDK has for it. */
    String algorithm() {
        return algorithm;
    }

    /** The kind of signature that a key makes or checks, if it is one of these. */
    static Optional<SignatureKind> of(Key key) {
        return switch (key) {
            case EdECKey edward ->
                edward.getParams().getName().equals(NamedParameterSpec.ED25519.getName())
                        ? Optional.of(ED25519)
                        : Optional.empty();
            case ECKey elliptic -> ofCurve(elliptic.getParams());
            default -> Optional.empty();
        };
    }

    private static Optional<SignatureKind> ofCurve(ECParameterSpec parameters) {
        for (SignatureKind kind : values()) {
            if (!kind.curve.isEmpty()) {
                ECParameterSpec named = parameters(kind.curve);
                if (named.getCurve().equals(parameters.getCurve())
                        && named.getGenerator().equals(parameters.getGenerator())
                        && named.getOrder().equals(parameters.getOrder())) {
                    return Optional.of(kind);
                }
            }
        }
        return Optional.empty();
    }

    private static ECParameterSpec parameters(String curve) {
        try {
            AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
            parameters.init(new ECGenParameterSpec(curve));
            return parameters.getParameterSpec(ECParameterSpec.class);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks the curve " + curve, e);
        }
    }
}
