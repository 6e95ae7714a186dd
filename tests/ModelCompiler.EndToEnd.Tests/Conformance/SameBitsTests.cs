using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>
/// Contract 1: the bits of the logits depend on the model and the tokens, and on nothing else. Everything is compared with one run: one
/// thread, the prompt in one piece, the best instruction set of this processor.
/// </summary>
public class SameBitsTests(ConformanceModels models)
{
    private const int Length = 130;

    /// <summary>Four pages of the cache, and a part of the fifth.</summary>
    private const int LongLength = 290;

    public static TheoryData<string, string> Models => [.. ConformanceModels.Cases];

    public static TheoryData<string, string, InstructionSet> Engined =>
        [.. from model in ConformanceModels.Cases from instructionSet in Engines.All select (model.Model, model.Format, instructionSet)];

    [Theory]
    [MemberData(nameof(Engined))]
    public void ForAnyThreadsAndPiecesOfAPrompt(string model, string format, InstructionSet instructionSet)
    {
        Engines.Require(instructionSet);
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length);
        float[] expected = emitted.Logits(tokens, Engines.Best);
        foreach (int threads in (int[])[1, 2, 3])
        {
            foreach (int? chunk in (int?[])[null, 1, 7, 64])
            {
                Bits.AssertEqual(expected, emitted.Logits(tokens, instructionSet, threads, chunk), $"{threads} threads, pieces of {chunk?.ToString() ?? "all"}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Engined))]
    public void ForShorterPromptsAndDecodeTokenByToken(string model, string format, InstructionSet instructionSet)
    {
        Engines.Require(instructionSet);
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length);
        float[] expected = emitted.Logits(tokens, Engines.Best);
        using CompiledModel loaded = emitted.Load(instructionSet, threads: 2);
        foreach (int length in (int[])[1, 2, 17, 65])
        {
            using Session session = loaded.CreateSession();
            Bits.AssertEqual(Rows(emitted, expected, 0, length), session.Forward(tokens.AsSpan(0, length), LogitsFor.All).ToArray(), $"{length} tokens");
            for (int position = length; position < Math.Min(length + 50, Length); position++)
            {
                float[] decoded = session.Forward(tokens.AsSpan(position, 1)).ToArray();
                Bits.AssertEqual(Rows(emitted, expected, position, 1), decoded, $"decoded token {position} after a prompt of {length}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void ForSessionsInOneBatchAndAlone(string model, string format)
    {
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length + 8);
        float[] whole = emitted.Logits(tokens, Engines.Best);
        foreach (InstructionSet instructionSet in Engines.Supported)
        {
            using CompiledModel loaded = emitted.Load(instructionSet, threads: 2);
            int[] lengths = [1, Length, 17, 63, 2];
            Session[] sessions = [.. lengths.Select(_ => loaded.CreateSession())];
            loaded.Forward([.. sessions.Select((session, i) => new SessionTokens(session, tokens.AsMemory(0, lengths[i]), LogitsFor.All))]);
            for (int i = 0; i < sessions.Length; i++)
            {
                Bits.AssertEqual(Rows(emitted, whole, 0, lengths[i]), sessions[i].Logits.ToArray(), $"{instructionSet}, prompt {i} of a batch");
            }

            // Pieces of 1, 2, 1, 2 and 1 tokens, then one token each: rows of several sequences in one tile.
            foreach (int most in (int[])[2, 1, 1])
            {
                int[] counts = [.. sessions.Select((_, i) => most == 1 ? 1 : 1 + (i & 1))];
                int[] begins = [.. sessions.Select(session => session.Position)];
                loaded.Forward([.. sessions.Select((session, i) => new SessionTokens(session, tokens.AsMemory(begins[i], counts[i]), LogitsFor.All))]);
                for (int i = 0; i < sessions.Length; i++)
                {
                    Bits.AssertEqual(Rows(emitted, whole, begins[i], counts[i]), sessions[i].Logits.ToArray(), $"{instructionSet}, session {i} at {begins[i]}");
                }
            }

            Array.ForEach(sessions, session => session.Dispose());
        }
    }

    /// <summary>Behind the last attention a step goes down to the rows whose logits are asked for: one, some of several sequences, or none.</summary>
    [Theory]
    [MemberData(nameof(Engined))]
    public void WhicheverLogitsAreAskedFor(string model, string format, InstructionSet instructionSet)
    {
        Engines.Require(instructionSet);
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length);
        float[] expected = emitted.Logits(tokens, Engines.Best);
        (int Length, LogitsFor Which)[] prompts = [(17, LogitsFor.Last), (Length, LogitsFor.None), (63, LogitsFor.Last), (5, LogitsFor.All), (1, LogitsFor.Last)];
        foreach (int threads in (int[])[1, 3])
        {
            using CompiledModel loaded = emitted.Load(instructionSet, threads);
            foreach ((int length, LogitsFor which) in prompts)
            {
                using Session alone = loaded.CreateSession();
                Bits.AssertEqual(Asked(length, which), alone.Forward(tokens.AsSpan(0, length), which).ToArray(), $"{threads} threads, {which} of {length} tokens");
            }

            Session[] sessions = [.. prompts.Select(_ => loaded.CreateSession())];
            loaded.Forward([.. sessions.Select((session, i) => new SessionTokens(session, tokens.AsMemory(0, prompts[i].Length), prompts[i].Which))]);
            for (int i = 0; i < sessions.Length; i++)
            {
                Bits.AssertEqual(Asked(prompts[i].Length, prompts[i].Which), sessions[i].Logits.ToArray(), $"{threads} threads, {prompts[i]} in a batch");
                sessions[i].Dispose();
            }
        }

        ReadOnlySpan<float> Asked(int length, LogitsFor which) => which switch
        {
            LogitsFor.All => Rows(emitted, expected, 0, length),
            LogitsFor.Last => Rows(emitted, expected, length - 1, 1),
            _ => [],
        };
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void AfterRewindAndInAFork(string model, string format)
    {
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length);
        float[] expected = emitted.Logits(tokens, Engines.Best);
        using CompiledModel loaded = emitted.Load(Engines.Best, threads: 2);
        using Session session = loaded.CreateSession();
        session.Forward([.. tokens.Take(60), .. tokens.Reverse().Take(70)]);
        foreach (int position in (int[])[60, 33, 0])
        {
            session.Rewind(position);
            Bits.AssertEqual(Rows(emitted, expected, position, Length - position), session.Forward(tokens.AsSpan(position), LogitsFor.All).ToArray(), $"after rewinding to {position}");
        }

        session.Rewind(100);
        using Session fork = session.Fork();
        session.Forward([0, 0, 0]);
        Bits.AssertEqual(Rows(emitted, expected, 100, Length - 100), fork.Forward(tokens.AsSpan(100), LogitsFor.All).ToArray(), "in a fork");
    }

    /// <summary>The window, the far end of the rotary tables, a context of many pages.</summary>
    [Theory]
    [InlineData("window70", "f32")]
    [InlineData("head128-group4", "f32")]
    [InlineData("blocked-gpt2", "f32")]
    [InlineData("window70", "f32+bf16")]
    [InlineData("head128-group4", "f32+bf16")]
    public void OverManyPages(string model, string format)
    {
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(LongLength);
        float[] expected = emitted.Logits(tokens, Engines.Best);
        foreach (InstructionSet instructionSet in Engines.Supported)
        {
            Bits.AssertEqual(expected, emitted.Logits(tokens, instructionSet, threads: 3, promptChunk: 1), $"{instructionSet}, token by token");
            Bits.AssertEqual(expected, emitted.Logits(tokens, instructionSet, threads: 2, promptChunk: 50), $"{instructionSet}, in pieces of 50");
        }
    }

    private static ReadOnlySpan<float> Rows(EmittedModel model, float[] logits, int first, int count)
        => logits.AsSpan(first * model.Vocab, count * model.Vocab);
}
