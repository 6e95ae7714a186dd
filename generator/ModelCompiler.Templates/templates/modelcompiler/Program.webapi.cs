using ModelCompiler.Runtime.Sessions;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddProblemDetails();
builder.Services.AddSingleton(_ => SmallModel.Load());
var app = builder.Build();

// curl -N 'http://localhost:5000/generate?prompt=The+small+robot'
// One model for all requests, each with a session of its own, which ends with the request or when its client leaves.
app.MapGet("/generate", async Task<IResult> (string prompt, HttpResponse response, SmallModel model, CancellationToken cancellation) =>
{
    try
    {
        response.ContentType = "text/plain; charset=utf-8";
        await foreach (var piece in model.GenerateAsync(prompt, new() { MaxTokens = 100 }, cancellation))
        {
            await response.WriteAsync(piece, cancellation);
            await response.Body.FlushAsync(cancellation);
        }

        return Results.Empty;
    }
    catch (ContextFullException full) when (!response.HasStarted)
    {
        return Results.Problem($"prompt: found {full.Found} tokens, expected at most {full.Limit}, the model's context.", statusCode: StatusCodes.Status400BadRequest);
    }
    catch (ArgumentException empty) when (!response.HasStarted)
    {
        return Results.Problem(empty.Message, statusCode: StatusCodes.Status400BadRequest);
    }
});

app.Run();
