package dev.entrepot.oci.client;

import java.util.Optional;

/** What came of asking a repository whether it mounts blobs. */
public enum MountAnswer {
    /** It mounted a blob that it had. */
    MOUNTED("mounted"),
    /** It does no such thing. */
    UNSUPPORTED("unsupported"),
    /** It opened an upload session instead, which is what the specification has registries do that do not mount. */
    SESSION("session"),
    /** This account may not push there, and so was not told. */
    NOT_ALLOWED("not-allowed"),
    /** It was not asked: nothing is known that it has for certain. */
    NOTHING_TO_ASK_BY("nothing-to-ask-by"),
    /** Nothing that says anything, or nothing at all. */
    UNCLEAR("unclear");

    private final String label;

    MountAnswer(String label) {
        this.label = label;
    }

    /** The name: lower case, words joined by {@code -}. */
    public String label() {
        return label;
    }

    /** Whether the repository mounts; empty if the answer does not say. */
    public Optional<Boolean> mounts() {
        return switch (this) {
            case MOUNTED -> Optional.of(true);
            case UNSUPPORTED -> Optional.of(false);
            case SESSION, NOT_ALLOWED, NOTHING_TO_ASK_BY, UNCLEAR -> Optional.empty();
        };
    }
}
