using Backhaul.Node.Security;
using Xunit;

namespace Backhaul.Node.Tests.Security;

public sealed class PeerSignatureTests
{
    private static readonly byte[] Secret = [1, 2, 3];

    /// <summary>Computed with another implementation: HMAC-SHA256 over the lines and the body.</summary>
    [Fact]
    public void The_signature_is_the_documented_one() => Assert.Equal(
        "ab18a224dfc23009f2ce94527271562d5d2826f37a6be97c4c501c94107cfd9b", PeerSignature.Sign(Secret, "POST", "/node/commands", "aa", 5000, "{}"u8));

    [Fact]
    public void It_matches_exactly_what_was_signed()
    {
        var signature = PeerSignature.Sign(Secret, "POST", "/node/commands", "aa", 5000, "{}"u8);
        Assert.True(PeerSignature.Matches(Secret, signature, "POST", "/node/commands", "aa", 5000, "{}"u8));
        Assert.True(PeerSignature.Matches(Secret, signature.ToUpperInvariant(), "POST", "/node/commands", "aa", 5000, "{}"u8));
        Assert.False(PeerSignature.Matches([1, 2, 4], signature, "POST", "/node/commands", "aa", 5000, "{}"u8));
        Assert.False(PeerSignature.Matches(Secret, signature, "GET", "/node/commands", "aa", 5000, "{}"u8));
        Assert.False(PeerSignature.Matches(Secret, signature, "POST", "/node/command", "aa", 5000, "{}"u8));
        Assert.False(PeerSignature.Matches(Secret, signature, "POST", "/node/commands", "ab", 5000, "{}"u8));
        Assert.False(PeerSignature.Matches(Secret, signature, "POST", "/node/commands", "aa", 5001, "{}"u8));
        Assert.False(PeerSignature.Matches(Secret, signature, "POST", "/node/commands", "aa", 5000, "{ }"u8));
    }

    [Theory]
    [InlineData(null), InlineData(""), InlineData("00"), InlineData("zz00000000000000000000000000000000000000000000000000000000000000")]
    public void What_is_no_signature_does_not_match(string? signature) =>
        Assert.False(PeerSignature.Matches(Secret, signature, "POST", "/node/commands", "aa", 5000, "{}"u8));

    [Fact]
    public void Without_a_secret_nothing_matches() =>
        Assert.False(PeerSignature.Matches([], PeerSignature.Sign([], "POST", "/", "aa", 1, []), "POST", "/", "aa", 1, []));
}
