package dev.entrepot.proxy.replication;

import java.util.regex.Pattern;

/**
 * Finds a user and a password before the registry in what somebody has named. They are taken as such also where the
 * password has a slash, with which what stands before it reads like the registry, and would be quoted as a wrong one.
 */
public final class UserInName {
    // Wrong ones too, of which the parser says what is wrong. No host is called so.
    private static final Pattern DIGEST = Pattern.compile("(sha1|sha256|sha384|sha512|blake2b|blake3|md5):[^/@]*");

    private UserInName() {}

    /**
     * Refuses a name that has one. In the name of an image or a registry nothing else stands before an {@code @} than
     * what a digest follows.
     *
     * @throws BadRequestException if there is one; it is not shown
     */
    public static void refuse(String text) throws BadRequestException {
        int at = text.lastIndexOf('@');
        if (at >= 0 && DIGEST.matcher(text.substring(at + 1)).matches()) {
            at = text.lastIndexOf('@', at - 1);
        }
        if (at >= 0) {
            int scheme = text.indexOf("://") + 1;
            throw new BadRequestException((scheme > 0 && scheme < at ? text.substring(0, scheme + 2) : "") + "***"
                    + text.substring(at)
                    + " has a user before its registry, or an @ that no digest follows: others can read what a"
                    + " command line says; give credentials in the configuration, or by `docker login`, and leave"
                    + " them out here");
        }
    }
}
