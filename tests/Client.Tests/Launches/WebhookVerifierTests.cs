using System.Text;
using Xunit;

namespace Backhaul.Client.Tests.Launches;

public sealed class WebhookVerifierTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    [Fact]
    public void The_published_vector_of_standard_webhooks_is_valid()
    {
        var verifier = new WebhookVerifier(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], new FixedTime(DateTimeOffset.FromUnixTimeSeconds(1614265330)));
        Assert.Equal(WebhookVerdict.Valid, verifier.Verify(
            "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", """{"test": 2432232314}"""u8));
    }

    [Theory]
    [InlineData(-300, WebhookVerdict.Valid)]
    [InlineData(-301, WebhookVerdict.TimestampOff)]
    [InlineData(300, WebhookVerdict.Valid)]
    [InlineData(301, WebhookVerdict.TimestampOff)]
    public void Timestamps_may_be_five_minutes_off(int offset, WebhookVerdict expected)
    {
        var at = (Now.ToUnixTimeSeconds() + offset).ToString();
        Assert.Equal(expected, Verify([Signed.Secret], "m", at, Signed.By(Signed.Secret, "m", at, "b"), "b"));
    }

    [Fact]
    public void Every_byte_of_what_is_signed_counts()
    {
        var at = Now.ToUnixTimeSeconds().ToString();
        var signature = Signed.By(Signed.Secret, "m", at, "b");
        Assert.Equal(WebhookVerdict.Valid, Verify([Signed.Secret], "m", at, signature, "b"));
        Assert.Equal(WebhookVerdict.WrongSignature, Verify([Signed.Secret], "n", at, signature, "b"));
        Assert.Equal(WebhookVerdict.WrongSignature, Verify([Signed.Secret], "m", (Now.ToUnixTimeSeconds() + 1).ToString(), signature, "b"));
        Assert.Equal(WebhookVerdict.WrongSignature, Verify([Signed.Secret], "m", at, signature, "c"));
        Assert.Equal(WebhookVerdict.WrongSignature, Verify([Signed.OtherSecret], "m", at, signature, "b"));
        Assert.Equal(WebhookVerdict.WrongSignature, Verify([Signed.Secret], "m", at, signature[..^4] + "AAA=", "b"));
    }

    [Fact]
    public void Several_secrets_and_several_signatures_are_for_a_rotation()
    {
        var at = Now.ToUnixTimeSeconds().ToString();
        var (one, other) = (Signed.By(Signed.Secret, "m", at, "b"), Signed.By(Signed.OtherSecret, "m", at, "b"));
        Assert.Equal(WebhookVerdict.Valid, Verify([Signed.OtherSecret, Signed.Secret], "m", at, one, "b"));
        Assert.Equal(WebhookVerdict.Valid, Verify([$"{Signed.OtherSecret} {Signed.Secret}"], "m", at, one, "b"));
        Assert.Equal(WebhookVerdict.Valid, Verify([Signed.OtherSecret], "m", at, $"v1a,xyz {one} {other}", "b"));
    }

    [Theory]
    [InlineData(null, "1800000000", "v1,AA==")]
    [InlineData("m", null, "v1,AA==")]
    [InlineData("m", "soon", "v1,AA==")]
    [InlineData("m", "-1", "v1,AA==")]
    [InlineData("m", "1800000000", null)]
    public void What_is_missing_or_unreadable_is_malformed(string? id, string? timestamp, string? signature) =>
        Assert.Equal(WebhookVerdict.Malformed, Verify([Signed.Secret], id, timestamp, signature, "b"));

    [Theory]
    [InlineData("v1,")]
    [InlineData("v1,not base64")]
    [InlineData("v1,AA==")]
    [InlineData("v2,AAAA")]
    public void What_is_no_signature_is_a_wrong_one(string signature) =>
        Assert.Equal(WebhookVerdict.WrongSignature, Verify([Signed.Secret], "m", "1800000000", signature, "b"));

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("whsec_AAAA")]
    [InlineData("whsec_!!!!")]
    public void Secrets_that_are_none_are_refused(string secret) => Assert.Throws<ArgumentException>(() => new WebhookVerifier([secret]));

    [Fact]
    public void A_launch_is_read_from_its_cloud_event()
    {
        var launch = Launch.TryParse(Encoding.UTF8.GetBytes(Signed.Launch("photos:a", 3)));
        Assert.Equal(new Launch { Session = "photos:a", Number = 3, Reason = "tasksEnded", LastEvent = 17 }, launch);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"type":"backhaul.taskCompleted","source":"/sessions/a","data":{"launch":1}}""")]
    [InlineData("""{"type":"backhaul.launch","source":"/other/a","data":{"launch":1}}""")]
    [InlineData("""{"type":"backhaul.launch","source":"/sessions/..","data":{"launch":1}}""")]
    [InlineData("""{"type":"backhaul.launch","source":"/sessions/a","data":{"launch":"1"}}""")]
    [InlineData("""{"type":"backhaul.launch","source":"/sessions/a"}""")]
    public void What_is_no_launch_is_none(string body) => Assert.Null(Launch.TryParse(Encoding.UTF8.GetBytes(body)));

    private static WebhookVerdict Verify(string[] secrets, string? id, string? timestamp, string? signature, string body) =>
        new WebhookVerifier(secrets, new FixedTime(Now)).Verify(id, timestamp, signature, Encoding.UTF8.GetBytes(body));

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
