package dev.entrepot.proxy.admin;

/**
 * Bounds and counts wrong secrets that a part of the admin API finds out itself, together with those of the rest of it.
 * Safe for all threads.
 */
@FunctionalInterface
public interface SecretJudge {
    /** What is to be made of a secret. */
    enum Judgement {
        /** It is right. */
        RIGHT,
        /** It is wrong. */
        WRONG,
        /** Be it right or not: too many wrong ones have come from there. */
        TOO_MANY
    }

    /**
     * Judges what a request has shown.
     *
     * @param right whether it is right
     * @param shown what it has shown; kept as a keyed hash
     */
    Judgement judge(AdminRequest request, boolean right, String... shown);
}
