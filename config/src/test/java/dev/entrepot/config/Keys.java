package dev.entrepot.config;

import java.util.Set;
import java.util.TreeSet;

/** Every key that there is, as a path with {@code []} for list elements and {@code [name]} for entries of mappings. */
final class Keys {
    private Keys() {}

    static Set<String> paths() {
        Set<String> paths = new TreeSet<>();
        add(RootKeys.SECTION, "", paths);
        return paths;
    }

    /** The path of a loaded value in that form. */
    static String generic(String path) {
        return path.replaceAll("\\[[0-9]+]", "[]").replaceAll("\\[[^]]+]", "[name]");
    }

    private static void add(ValueType<?> type, String path, Set<String> paths) {
        switch (type) {
            case Section<?> section ->
                section.keys().forEach(key -> {
                    String child = ConfigNode.child(path, key.name());
                    paths.add(child);
                    add(key.type(), child, paths);
                });
            case OptionalType<?> optional -> add(optional.type(), path, paths);
            case ListType<?> list -> add(list.element(), path + "[]", paths);
            case MapType<?, ?> map -> add(map.value(), path + "[name]", paths);
            case EitherType<?, ?> either -> {
                add(either.brief(), path, paths);
                add(either.full(), path, paths);
            }
            case ScalarType<?> scalar -> {}
            case ReasonType reason -> {}
            case UpstreamName name -> {}
        }
    }
}
