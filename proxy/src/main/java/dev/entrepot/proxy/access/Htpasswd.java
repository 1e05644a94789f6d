package dev.entrepot.proxy.access;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Users and bcrypt hashes of their passwords, from a file as Apache's {@code htpasswd -B} writes it. Immutable. */
final class Htpasswd {
    /** Largest file, in bytes. */
    static final int MAX_BYTES = 1024 * 1024;

    // A check at cost 14 takes a second; at 15 and above, a few of them are an outage.
    private static final Pattern BCRYPT = Pattern.compile("\\$2[aby]\\$(0[4-9]|1[0-4])\\$[./A-Za-z0-9]{53}");

    // Of a password that nobody knows, but for the cost.
    private static final String NOBODYS = "$C6UzMDM.H6dfI/f/IKcEeO7ZYQ0CFZ8Ki6tIIL9e1d9rQ1UWXcUmG";
    private static final int COST_BEGIN = 4;
    private static final int COST_END = 6;

    private static final int USUAL_COST = 10;

    private final Map<String, String> hashes;
    private final int dearest;

    private Htpasswd(Map<String, String> hashes) {
        this.hashes = Map.copyOf(hashes);
        this.dearest = hashes.values().stream().mapToInt(Htpasswd::cost).max().orElse(USUAL_COST);
    }

    private static int cost(String hash) {
        return Integer.parseInt(hash.substring(COST_BEGIN, COST_END));
    }

    /**
     * Reads a file's content.
     *
     * @throws IOException if it is not of that form; the message names lines and never what is in them
     */
    static Htpasswd parse(byte[] content) throws IOException {
        if (content.length > MAX_BYTES) {
            throw new IOException("it has more than " + MAX_BYTES + " bytes");
        }
        Map<String, String> hashes = new HashMap<>();
        List<String> lines = text(content).lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            int colon = line.indexOf(':');
            String hash = line.substring(colon + 1);
            if (colon <= 0 || !BCRYPT.matcher(hash).matches()) {
                throw new IOException("line " + (i + 1)
                        + " is not USER:HASH with a bcrypt hash of cost 4 to 14, as htpasswd -B writes it");
            }
            if (hashes.put(line.substring(0, colon), hash) != null) {
                throw new IOException("line " + (i + 1) + " has a user that is there before");
            }
        }
        return new Htpasswd(hashes);
    }

    private static String text(byte[] content) throws IOException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IOException("it is not UTF-8", e);
        }
    }

    /** Whether nobody is in it. */
    boolean isEmpty() {
        return hashes.isEmpty();
    }

    /** The hash of a user's password. */
    Optional<String> hashOf(String user) {
        return Optional.ofNullable(hashes.get(user));
    }

    /** A hash that no password has, as dear to check as the dearest: for users who are not there. */
    String nobodys() {
        return nobodys(dearest);
    }

    private static String nobodys(int cost) {
        return "$2b$" + (cost < 10 ? "0" : "") + cost + NOBODYS;
    }

    /**
     * Hashes that no password has, which together are as much dearer to check as the dearest is than this one, so that
     * the time does not show whose the hash was. A check at one cost takes twice the time of one at the cost below.
     */
    List<String> restTo(String hash) {
        return IntStream.range(cost(hash), dearest).mapToObj(Htpasswd::nobodys).toList();
    }
}
