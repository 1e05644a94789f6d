package dev.entrepot.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdminRequestTest {
    @Test
    void parameterIsDecodedAndMayBeEmpty() {
        assertThat(AdminRequest.parameter("a=1&rule=to%2Deu", "rule")).contains("to-eu");
        assertThat(AdminRequest.parameter("rule", "rule")).contains("");
        assertThat(AdminRequest.parameter("rule=&a=1&a=2", "rule")).contains("");
        assertThat(AdminRequest.parameter("", "rule")).isEmpty();
        assertThat(AdminRequest.parameter("a=1", "rule")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rule=%zz", "rule=%", "rule=a%0ab", "rule=a&rule=b", "rule=a&rule=a", "rule&rule"})
    void parameterThatSaysNothingClearIsRefusedByItsName(String query) {
        assertThatThrownBy(() -> AdminRequest.parameter(query, "rule"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("parameter rule");
    }
}
