package dev.entrepot.deploy;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.constantpool.ConstantPoolBuilder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * Rewrites the classes of jars that were compiled for Java 5 into the present format. Classes that old have no stack
 * maps: the JVM verifies them by its slow verifier at each start and takes none of them into the startup cache. The
 * code stays as it is; stack maps are added, and the number of the format changes. What cannot be rewritten is left
 * alone, and works as before.
 *
 * <p>Usage: {@code ModernClasses LIB}; the jars of that folder, all of which must be on the class path, because stack
 * maps name common supertypes.
 */
final class ModernClasses {
    private static final int OLD = 50;
    private static final int PRESENT = ClassFile.JAVA_17_VERSION;
    private static final String NOTE = "META-INF/CHANGED-BY-ENTREPOT";
    private static final String TEXT =
            "The class files of this jar were rewritten from the format of Java 5 to a newer one, with stack maps. Nothing else was changed.\n";

    private ModernClasses() {}

    /** Rewrites the jars of a folder that need it. */
    public static void main(String[] arguments) throws IOException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(arguments[0]), "*.jar")) {
            for (Path jar : jars) {
                if (isOld(jar)) {
                    rewrite(jar);
                }
            }
        }
    }

    /** Whether most classes of a jar are old: a few do not matter. */
    static boolean isOld(Path jar) throws IOException {
        int classes = 0;
        int old = 0;
        try (JarFile file = new JarFile(jar.toFile())) {
            for (Enumeration<JarEntry> entries = file.entries(); entries.hasMoreElements(); ) {
                JarEntry entry = entries.nextElement();
                if (isClass(entry)) {
                    classes++;
                    try (InputStream in = file.getInputStream(entry)) {
                        byte[] head = in.readNBytes(8);
                        old += head.length == 8 && head[7] < OLD && head[6] == 0 ? 1 : 0;
                    }
                }
            }
        }
        return old * 2 > classes;
    }

    private static boolean isClass(JarEntry entry) {
        return entry.getName().endsWith(".class") && !entry.getName().startsWith("META-INF/");
    }

    /** Rewrites a jar in its place, whole or not at all. */
    static void rewrite(Path jar) throws IOException {
        Path aside = jar.resolveSibling(jar.getFileName() + ".new");
        try (JarFile file = new JarFile(jar.toFile());
                JarOutputStream out = new JarOutputStream(Files.newOutputStream(aside))) {
            for (Enumeration<JarEntry> entries = file.entries(); entries.hasMoreElements(); ) {
                JarEntry entry = entries.nextElement();
                byte[] bytes;
                try (InputStream in = file.getInputStream(entry)) {
                    bytes = in.readAllBytes();
                }
                put(out, entry.getName(), entry.getTime(), isClass(entry) ? modern(bytes) : bytes);
            }
            put(out, NOTE, 0, TEXT.getBytes(StandardCharsets.UTF_8));
        }
        Files.move(aside, jar, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void put(JarOutputStream out, String name, long time, byte[] bytes) throws IOException {
        JarEntry entry = new JarEntry(name);
        entry.setTime(Math.max(time, 0));
        out.putNextEntry(entry);
        out.write(bytes);
        out.closeEntry();
    }

    private static byte[] modern(byte[] bytes) {
        try {
            ClassFile format = ClassFile.of(ClassFile.StackMapsOption.GENERATE_STACK_MAPS);
            ClassModel model = format.parse(bytes);
            if (model.majorVersion() >= OLD) {
                return bytes;
            }
            return format.build(model.thisClass(), ConstantPoolBuilder.of(model), builder -> {
                builder.withVersion(PRESENT, 0);
                for (ClassElement element : model) {
                    switch (element) {
                        case ClassFileVersion _ -> {}
                        case MethodModel method ->
                            builder.transformMethod(method, MethodTransform.transformingCode(CodeTransform.ACCEPT_ALL));
                        default -> builder.with(element);
                    }
                }
            });
        } catch (IllegalArgumentException e) {
            return bytes; // a class with a supertype that is not there, which nobody will load
        }
    }
}
