package dev.entrepot.oci;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Optional;

/**
 * As much of DER (X.690) as it takes to put the older forms of private keys into PKCS#8, and to tell what a public key
 * is.
 */
public final class Der {
    private static final int INTEGER = 0x02;
    private static final int OCTETS = 0x04;
    private static final int SEQUENCE = 0x30;
    private static final int PARAMETERS = 0xa0;
    // 1.2.840.10045.2.1, with tag and length.
    private static final byte[] EC_PUBLIC_KEY = {0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x02, 0x01};
    // The sequence of 1.2.840.113549.1.1.1 and NULL.
    private static final byte[] RSA_ENCRYPTION = {
        0x30, 0x0d, 0x06, 0x09, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00
    };

    private Der() {}

    /**
     * The PKCS#8 form (RFC 5958) of a SEC 1 key (RFC 5915), or empty if it is none or does not say its curve.
     *
     * @param sec1 {@code ECPrivateKey}
     */
    public static Optional<byte[]> toPkcs8(byte[] sec1) {
        return value(sec1, 0, SEQUENCE)
                .flatMap(key -> curve(key).map(curve -> pkcs8(wrap(SEQUENCE, EC_PUBLIC_KEY, curve), sec1)));
    }

    /**
     * The PKCS#8 form of an RSA key as PKCS#1 has it (RFC 8017, appendix A.1.2), which is not looked at.
     *
     * @param pkcs1 {@code RSAPrivateKey}, of less than 64 KiB
     */
    static byte[] rsaToPkcs8(byte[] pkcs1) {
        return pkcs8(RSA_ENCRYPTION, pkcs1);
    }

    private static byte[] pkcs8(byte[] algorithm, byte[] key) {
        return wrap(SEQUENCE, wrap(INTEGER, new byte[] {0}), algorithm, wrap(OCTETS, key));
    }

    /**
     * Whether a public key is one of an elliptic curve, whatever its curve and form.
     *
     * @param key {@code SubjectPublicKeyInfo} (RFC 5480)
     */
    public static boolean isElliptic(byte[] key) {
        return value(key, 0, SEQUENCE)
                .flatMap(info -> value(info, 0, SEQUENCE))
                .filter(algorithm -> algorithm.length >= EC_PUBLIC_KEY.length
                        && Arrays.equals(algorithm, 0, EC_PUBLIC_KEY.length, EC_PUBLIC_KEY, 0, EC_PUBLIC_KEY.length))
                .isPresent();
    }

    // version, the number, and [0] with the curve.
    private static Optional<byte[]> curve(byte[] key) {
        Optional<byte[]> version = value(key, 0, INTEGER);
        int at = version.map(v -> 2 + v.length).orElse(key.length);
        Optional<byte[]> number = value(key, at, OCTETS);
        int behind = at + number.map(n -> 2 + n.length).orElse(key.length);
        return value(key, behind, PARAMETERS);
    }

    /** The content of the element at an offset, if it has this tag and ends within the bytes. */
    private static Optional<byte[]> value(byte[] bytes, int offset, int tag) {
        if (offset > bytes.length - 2 || (bytes[offset] & 0xff) != tag) {
            return Optional.empty();
        }
        int first = bytes[offset + 1] & 0xff;
        int lengthBytes = first < 0x80 ? 0 : first - 0x80;
        if (lengthBytes > 2 || offset + 2 + lengthBytes > bytes.length) {
            return Optional.empty();
        }
        int length = first < 0x80 ? first : 0;
        for (int i = 0; i < lengthBytes; i++) {
            length = length << 8 | bytes[offset + 2 + i] & 0xff;
        }
        int from = offset + 2 + lengthBytes;
        return length <= bytes.length - from
                ? Optional.of(Arrays.copyOfRange(bytes, from, from + length))
                : Optional.empty();
    }

    private static byte[] wrap(int tag, byte[]... contents) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (byte[] bytes : contents) {
            content.writeBytes(bytes);
        }
        ByteArrayOutputStream element = new ByteArrayOutputStream();
        element.write(tag);
        int length = content.size();
        if (length >= 0x100) {
            element.write(0x82);
            element.write(length >> 8);
        } else if (length >= 0x80) {
            element.write(0x81);
        }
        element.write(length);
        element.writeBytes(content.toByteArray());
        return element.toByteArray();
    }
}
