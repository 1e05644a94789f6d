package dev.entrepot.proxy;

import java.math.BigDecimal;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What the JDK sets up when it is first used, takes long for and every command needs: it begins with the process, on a
 * thread of its own, while the command line is read. Whoever needs it before it is done waits for the rest. Classes of
 * the JDK, and one of its own, only: two threads that set up classes of a library at the same time, which name each
 * other, may wait for each other for ever.
 */
final class EarlySetup {
    private EarlySetup() {}

    /** To have the methods of records linked. */
    private record Any(String text, int number) {}

    /** Begins. */
    static void begin() {
        Thread.ofPlatform().daemon().name("early-setup").start(EarlySetup::setUp);
    }

    private static void setUp() {
        // A table of large powers, which stands behind all numbers of JSON.
        int number = BigDecimal.ONE.signum();
        // The providers of algorithms.
        byte[] hash = digest();
        // What makes the methods of records.
        Set<Any> any = new HashSet<>(List.of(new Any("", number), new Any("", hash.length)));
        any.add(new Any("", number));
    }

    private static byte[] digest() {
        try {
            return MessageDigest.getInstance("SHA-256").digest();
        } catch (NoSuchAlgorithmException e) {
            return new byte[0]; // whoever needs it will say so
        }
    }
}
