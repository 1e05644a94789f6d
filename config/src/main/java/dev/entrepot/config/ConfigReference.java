package dev.entrepot.config;

import java.util.List;

/** The reference page of the file, made of the same keys that the loader reads. */
public final class ConfigReference {
    private static final String INTRODUCTION = """
            # Configuration

            One YAML file: `--config FILE`, else `./entrepot.yaml` if it is there, else the defaults. `deploy/samples/entrepot.yaml` is a commented start, and
            `deploy/samples/entrepot.schema.json` lets editors check and complete. `entrepot config check` reports every error at once;
            `entrepot config show` prints what is in effect, and where each value comes from.

            This page is generated from the keys that the loader reads.

            - **Sizes**: a number with `KiB MiB GiB TiB` (powers of 1024), `KB MB GB TB` (powers of 1000), or no unit for bytes: `50GiB`, `4.7GB`, `512`.
            - **Times**: a number with `ms s m h d`, or several, the largest first: `300ms`, `30s`, `1h30m`, `7d`. No more than ten years.
            - **Addresses**: `host:port`, with IPv6 addresses in brackets; `:5000` is every interface.
            - **References**: within any value, `${env:NAME}` is an environment variable, `${env:NAME:-default}` the same with a default for when it is not
              set or empty, and `${file:path}` the content of a file. `$${` is a plain `${`.
              None may be within another.
            - **Files with a secret**, of `${file:path}` as of `password-file`, `identity-token-file`, `bearer-token-file` and `client-secret-file`, are UTF-8. One line break at
              the end (LF or CRLF) and a byte order mark at the start do not count; all else does, blanks too. A token and a `client-secret-file` are one line, and a bearer token is ASCII.
            - **Paths** start from the working directory if they are relative. Files that are to be read must be there.
            - **Patterns**: a name; a glob, where `*` is any text without a slash, `**` any text, `?` one character, and `**/` at the start or after a slash
              any number of components or none (`**/x` is `x`, `a/x` and `a/b/x`; of users and groups, which have no components, no wildcard stops at a slash); or `{regex: expression}`, which must match the whole name within 100 000 steps.
            - **URLs of registries** are scheme, host and port. Plain HTTP is spoken if, and only if, the URL says `http`.
            - Unknown and duplicate keys are errors, and so are YAML's tags (`!`) and merge keys (`<<`); aliases work. An empty section is one with every default.
            """;

    private final StringBuilder out = new StringBuilder(INTRODUCTION);

    private ConfigReference() {}

    /** The page, as Markdown, with a line break at its end. */
    public static String markdown() {
        ConfigReference reference = new ConfigReference();
        reference.section(RootKeys.SECTION, "", "");
        return reference.out.toString();
    }

    private void section(Section<?> section, String path, String doc) {
        out.append("\n## ")
                .append(path.isEmpty() ? "The top of the file" : "`" + path + "`")
                .append("\n\n");
        if (!doc.isEmpty()) {
            out.append(doc).append("\n\n");
        }
        out.append("| key | what | default | meaning |\n|---|---|---|---|\n");
        section.keys().forEach(this::row);
        for (Key<?, ?> key : section.keys()) {
            for (Place place : places(key.type(), ConfigNode.child(path, key.name()))) {
                section(place.section(), place.path(), key.doc());
            }
        }
    }

    private void row(Key<?, ?> key) {
        String shown =
                key.required() ? "*required*" : key.shownDefault().isEmpty() ? "" : "`" + key.shownDefault() + "`";
        out.append("| `").append(key.name()).append("` | ");
        out.append(key.type().describe().replace("|", "\\|")).append(" | ");
        out.append(shown).append(" | ").append(key.doc().replace("|", "\\|")).append(" |\n");
    }

    /** A section within a value, and the path that leads to it. */
    private record Place(String path, Section<?> section) {}

    private static List<Place> places(ValueType<?> type, String path) {
        return switch (type) {
            case Section<?> section -> List.of(new Place(path, section));
            case OptionalType<?> optional -> places(optional.type(), path);
            case ListType<?> list -> places(list.element(), path + "[]");
            case MapType<?, ?> map -> places(map.value(), path + "[name]");
            // A pattern's long form has one key, which the page explains at its head.
            case EitherType<?, ?> either ->
                either.full().keys().size() == 1 ? List.of() : List.of(new Place(path, either.full()));
            case ScalarType<?> scalar -> List.of();
            case ReasonType reason -> List.of();
            case UpstreamName name -> List.of();
        };
    }
}
