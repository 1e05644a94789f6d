package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CronExpressionTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "* * * * *; 0 * * * * ?",
                "*/15 * * * *; 0 0,15,30,45 * * * ?",
                "0 3 * * *; 0 0 3 * * ?",
                "30 4 1,15 * *; 0 30 4 1,15 * ?",
                "0 0 * * 0; 0 0 0 ? * 1",
                "0 0 * * 7; 0 0 0 ? * 1",
                "0 0 * * MON-fri; 0 0 0 ? * 2,3,4,5,6",
                "5/20 0-6/3 * jan,JUN *; 0 5,25,45 0,3,6 * 1,6 ?",
                "0  0\t29 2 *; 0 0 0 29 2 ?",
            })
    void meansTheSameInQuartzSyntax(String crontab, String quartz) {
        assertThat(new CronExpression(crontab).toQuartz()).isEqualTo(quartz);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0 0/10 * * * ?",
                "*/15 * * * * ?",
                "0 30 2 ? * MON-FRI",
                "0 0 3 L * ?",
                "0 0 3 LW * ?",
                "0 0 3 15W * ?",
                "0 0 3 ? * 6#3",
                "0 0 3 ? * 6L",
                "0 0 3 1 1 ? 2030/2",
            })
    void sixOrSevenFieldsAreQuartzOwn(String text) {
        CronExpression expression = new CronExpression(text.replace(" ", " \t "));

        assertThat(expression.text()).isEqualTo(text);
        assertThat(expression.toQuartz()).isEqualTo(text);
    }

    @Test
    void theMessageNamesBothSyntaxesAndWhatQuartzSays() {
        assertThatThrownBy(() -> new CronExpression("0 61 * * * ?"))
                .hasMessageContaining("five fields as in a crontab")
                .hasMessageContaining("six or seven as Quartz has them")
                .hasMessageContaining("Quartz says: Minute and Second values must be between 0 and 59")
                .hasMessageNotContaining("61");
        assertThatThrownBy(() -> new CronExpression("0 0 0 XYZ * ?")).hasMessageNotContaining("XYZ");
        assertThatThrownBy(() -> new CronExpression("@daily"))
                .hasMessageEndingWith("not 1 fields")
                .hasMessageContaining("five fields as in a crontab")
                .hasMessageContaining("six or seven as Quartz has them");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "* * * *",
                "0 0 0 * * ? * *",
                "0 0 0 * * *",
                "0 0 25 * * ?",
                "0 0 0 30 2 ?",
                "0 0 0 1 1 ? 1969",
                "0 0 0 ? * 8",
                "x y z * * ?",
                "* * * * * *",
                "@daily",
                "60 * * * *",
                "* 24 * * *",
                "* * 0 * *",
                "* * * 13 *",
                "* * * * 8",
                "*/0 * * * *",
                "5-1 * * * *",
                "1,,2 * * * *",
                "a * * * *",
                "1/2/3 * * * *",
                "1-2-3 * * * *",
                "? * * * *",
                "-1 * * * *",
                "0 0 31 2,4 *",
                "0 0 1 * MON",
            })
    void whatNeverFiresOrIsNoneIsRefused(String text) {
        assertThatThrownBy(() -> new CronExpression(text)).isInstanceOf(InvalidValueException.class);
    }

    @Test
    void theMessageNamesTheField() {
        assertThatThrownBy(() -> new CronExpression("0 25 * * *"))
                .hasMessage("expected in the field hour numbers from 0 to 23, ranges, lists, steps or *");
    }
}
