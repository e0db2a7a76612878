using Backhaul.Node.Security;
using Xunit;

namespace Backhaul.Node.Tests.Security.Secrets;

public sealed class WebhookKeysTests
{
    private const string Key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// <summary>The example that the libraries of Standard Webhooks test themselves with.</summary>
    [Fact]
    public void A_signature_is_that_of_the_published_example() => Assert.Equal(
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        WebhookKeys.Sign(WebhookKeys.Parse(Key)!.Single(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8));

    [Theory]
    [InlineData(24, true)]
    [InlineData(64, true)]
    [InlineData(23, false)]
    [InlineData(65, false)]
    public void A_key_has_24_to_64_bytes(int bytes, bool isKey) =>
        Assert.Equal(isKey, WebhookKeys.Parse("whsec_" + Convert.ToBase64String(new byte[bytes])) is not null);

    [Theory]
    [InlineData("")]
    [InlineData("whsec_")]
    [InlineData("whsec_not base64 at all, is it")]
    [InlineData(Key + " name")]
    [InlineData(Key + " " + Key + " " + Key + " " + Key)]
    public void What_is_no_list_of_keys_is_none(string text) => Assert.Null(WebhookKeys.Parse(text));

    [Fact]
    public void Several_keys_stand_side_by_side_during_a_rotation() => Assert.Equal(2, WebhookKeys.Parse($"{Key} {Key}")!.Count);
}
