package dev.entrepot.proxy.admin;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A growing buffer of ASCII text. Used by one thread. */
final class LineBuffer {
    private static final int FORMS = 512;
    private static final int SHORTEST_FORM = 16;
    private static final int LONGEST_FORM = 512;

    private byte[] bytes = new byte[96 * 1024];
    private int size;
    // The same paths and clients come again and again: what was written of them lately is written once more, and not
    // looked at character by character. One place for a text.
    private final @Nullable Form[] words = new Form[FORMS];
    private final @Nullable Form[] quoted = new Form[FORMS];

    /** A text from outside, and how it is written. */
    private record Form(String text, byte[] written) {}

    int size() {
        return size;
    }

    void clear() {
        size = 0;
    }

    void writeTo(OutputStream out) throws IOException {
        out.write(bytes, 0, size);
    }

    private void require(int more) {
        if (size + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
        }
    }

    /** Appends a character, which must be ASCII. */
    LineBuffer add(char c) {
        require(1);
        bytes[size++] = (byte) c;
        return this;
    }

    /** Appends text of our own, which is known to be ASCII. */
    @SuppressWarnings("deprecation") // wrong for other characters, which there are none of
    LineBuffer add(String text) {
        int length = text.length();
        require(length);
        text.getBytes(0, length, bytes, size);
        size += length;
        return this;
    }

    // Whether text was written from a form that is kept.
    private boolean addAgain(@Nullable Form[] forms, String text) {
        Form form = forms[place(text)];
        if (form == null || !form.text().equals(text)) {
            return false;
        }
        byte[] written = form.written();
        require(written.length);
        System.arraycopy(written, 0, bytes, size, written.length);
        size += written.length;
        return true;
    }

    private void keep(@Nullable Form[] forms, String text, int start) {
        if (text.length() >= SHORTEST_FORM && text.length() <= LONGEST_FORM) {
            forms[place(text)] = new Form(text, Arrays.copyOfRange(bytes, start, size));
        }
    }

    private static int place(String text) {
        int hash = text.hashCode();
        return (hash ^ hash >>> 16) & FORMS - 1;
    }

    /** Appends a number of at least 0. */
    LineBuffer add(long number) {
        require(20);
        int start = size;
        long rest = Math.max(0, number);
        do {
            bytes[size++] = (byte) ('0' + rest % 10);
            rest /= 10;
        } while (rest > 0);
        for (int i = start, j = size - 1; i < j; i++, j--) {
            byte swapped = bytes[i];
            bytes[i] = bytes[j];
            bytes[j] = swapped;
        }
        return this;
    }

    /** Appends a number of at least 0 with leading zeros. */
    LineBuffer addPadded(int number, int digits) {
        require(digits);
        int rest = number;
        for (int i = digits - 1; i >= 0; i--) {
            bytes[size + i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        size += digits;
        return this;
    }

    /**
     * Appends text from outside between quotes; whatever is not printable ASCII is escaped, so that no line can be
     * forged.
     */
    LineBuffer addQuoted(String text) {
        if (addAgain(quoted, text)) {
            return this;
        }
        int start = size;
        add('"');
        if (isPlain(text, ' ')) {
            add(text);
        } else {
            addEscaped(text);
        }
        add('"');
        keep(quoted, text, start);
        return this;
    }

    // Whether text can stand as it is: printable ASCII from a first character on, without quotes and backslashes.
    private static boolean isPlain(String text, char first) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < first || c >= 127 || c == '"' || c == '\\') {
                return false;
            }
        }
        return true;
    }

    private void addEscaped(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                add('\\').add(c);
            } else if (c >= ' ' && c < 127) {
                add(c);
            } else {
                add("\\u").add(hex(c >> 12)).add(hex(c >> 8)).add(hex(c >> 4)).add(hex(c));
            }
        }
    }

    private static char hex(int digit) {
        return Character.forDigit(digit & 0xf, 16);
    }

    /**
     * Appends text from outside, in quotes only if it needs them: anything but letters, digits and the usual marks of
     * paths.
     */
    LineBuffer addWord(String text) {
        if (addAgain(words, text)) {
            return this;
        }
        int start = size;
        boolean plain = !text.isEmpty() && text.indexOf('=') < 0 && isPlain(text, '!');
        if (plain) {
            add(text);
        } else {
            addQuoted(text);
        }
        keep(words, text, start);
        return this;
    }
}
