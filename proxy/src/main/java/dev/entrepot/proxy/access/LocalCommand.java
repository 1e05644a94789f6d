package dev.entrepot.proxy.access;

import dev.entrepot.proxy.http.Visitor;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;

/**
 * A command of this program on the data folder of a running server, which proves that it can read that folder by a
 * token in it.
 */
public final class LocalCommand {
    /** Who such a command is in logs. */
    static final Visitor VISITOR = Visitor.named("(command on the data folder)", Set.of());

    private LocalCommand() {}

    /** A new token. */
    public static String token(SecureRandom random) {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
