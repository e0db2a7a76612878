using Backhaul.Node.Security;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Security.Secrets;

public sealed class SecretBoxTests
{
    private static readonly byte[] Old = [.. Enumerable.Range(0, 32).Select(n => (byte)n)];
    private static readonly byte[] New = [.. Enumerable.Range(100, 32).Select(n => (byte)n)];

    [Fact]
    public void Whatever_is_sealed_opens_for_its_owner_with_its_key_and_for_nobody_else() =>
        Prop.ForAll<string, string>((secret, owner) =>
        {
            if (secret is null || owner is null || !IsText(secret) || !IsText(owner))
                return;
            var box = new SecretBox([Old]);
            var text = box.Seal(secret, owner);
            Assert.True(SecretBox.IsSealed(text));
            Assert.Equal(secret, box.Open(text, owner));
            Assert.Equal(text, box.Seal(secret, owner)); // a repeated request is a repetition
            Assert.Null(box.Open(text, owner + "x"));
            Assert.Null(new SecretBox([New]).Open(text, owner));
            Assert.NotEqual(text, box.Seal(secret + "x", owner));
        }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void A_new_key_seals_and_the_old_one_still_opens()
    {
        var before = new SecretBox([Old]).Seal("whsec_x", "webhook/acme/nightly");
        var rotated = new SecretBox([New, Old]);
        Assert.Equal("whsec_x", rotated.Open(before, "webhook/acme/nightly"));
        Assert.NotEqual(before, rotated.Seal("whsec_x", "webhook/acme/nightly"));
    }

    [Fact]
    public void A_changed_text_does_not_open()
    {
        var box = new SecretBox([Old]);
        var text = box.Seal("whsec_secret", "o");
        for (var i = 0; i < text.Length; i++)
        {
            var changed = text[..i] + (text[i] == 'A' ? 'B' : 'A') + text[(i + 1)..];
            Assert.NotEqual("whsec_other", box.Open(changed, "o") ?? "");
            Assert.True(box.Open(changed, "o") is null or "whsec_secret", changed); // base64 has spare bits at its end
        }
    }

    [Fact]
    public void A_box_without_a_key_seals_nothing() => Assert.False(new SecretBox([]).CanSeal);

    /// <summary>UTF-8 has no lone surrogates.</summary>
    private static bool IsText(string text) => !text.Any(char.IsSurrogate);
}
