package dev.entrepot.oci.client.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShellWordsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            quoteCharacter = '~',
            value = {
                "one two#one|two",
                "  one \t two  #one|two",
                "'/opt/my tools/login' --role mirror#/opt/my tools/login|--role|mirror",
                "\"C d\" 'e f'g#C d|e fg",
                "say '' end#say||end",
                "a\\ b c#a b|c",
                "\"a \\\"b\\\" \\c\" d#a \"b\" \\c|d",
                "'a\\b'#a\\b",
                "'it'\\''s'#it's"
            })
    void areThoseOfAShell(String line, String words) throws IOException {
        assertThat(ShellWords.of(line)).isEqualTo(Arrays.asList(words.split("\\|", -1)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "  ", "'s3cret", "one \"s3cret", "s3cret\\"})
    void refuseWhatHasNoEndAndShowNothingOfIt(String line) {
        assertThatThrownBy(() -> ShellWords.of(line))
                .isInstanceOf(IOException.class)
                .hasMessageNotContaining("s3cret");
    }
}
