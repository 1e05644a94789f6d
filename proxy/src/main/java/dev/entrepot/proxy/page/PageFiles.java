package dev.entrepot.proxy.page;

import dev.entrepot.oci.Digest;
import dev.entrepot.proxy.admin.AdminContent;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The files of the page: a closed set from the program itself, read when they are first asked for, and checked by
 * browsers with each use. Safe for all threads.
 */
final class PageFiles {
    // Nothing from elsewhere, nothing inline, no form, no frame, and no string that becomes markup.
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
            + " require-trusted-types-for 'script'; trusted-types 'none'";
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml");
    private static final int LONGEST_NAME = 40;

    private final Map<String, Loaded> loaded = new ConcurrentHashMap<>();

    private record Loaded(byte[] bytes, String tag) {}

    /**
     * A file.
     *
     * @param name its name; empty for the page itself
     * @param known the tag of what the browser has
     * @return empty if there is none
     * @throws IOException if it cannot be read
     */
    Optional<AdminContent> find(String name, Optional<String> known) throws IOException {
        String file = name.isEmpty() ? "index.html" : name;
        Optional<Loaded> found = load(file);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Map<String, String> headers = Map.of(
                "Content-Type", TYPES.getOrDefault(ending(file), "application/octet-stream"),
                "ETag", found.get().tag(),
                "Cache-Control", "no-cache",
                "Content-Security-Policy", POLICY,
                "X-Content-Type-Options", "nosniff",
                "Referrer-Policy", "no-referrer",
                "Cross-Origin-Resource-Policy", "same-origin",
                "Cross-Origin-Opener-Policy", "same-origin");
        boolean same = known.filter(tags -> tags.contains(found.get().tag())).isPresent();
        return Optional.of(new AdminContent.Document(
                same ? 304 : 200, headers, same ? new byte[0] : found.get().bytes()));
    }

    private static String ending(String file) {
        return file.substring(file.lastIndexOf('.') + 1);
    }

    private Optional<Loaded> load(String file) throws IOException {
        Loaded known = loaded.get(file);
        if (known != null) {
            return Optional.of(known);
        }
        // Letters, digits, dashes and one dot: no way out of the folder, and no class file.
        if (file.length() > LONGEST_NAME || !file.matches("[a-z0-9-]+\\.[a-z]+") || !TYPES.containsKey(ending(file))) {
            return Optional.empty();
        }
        try (InputStream in = PageFiles.class.getResourceAsStream(file)) {
            if (in == null) {
                return Optional.empty();
            }
            byte[] bytes = in.readAllBytes();
            Loaded read = new Loaded(bytes, '"' + Digest.sha256(bytes).encoded().substring(0, 16) + '"');
            loaded.put(file, read);
            return Optional.of(read);
        }
    }
}
